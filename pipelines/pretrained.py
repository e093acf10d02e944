from diffusers import DiffusionPipeline


class PretrainedPipeline(DiffusionPipeline):
    pass
