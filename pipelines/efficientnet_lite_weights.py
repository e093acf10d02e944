"""Published ImageNet weights into `EfficientNetLite0`."""

from collections.abc import Mapping

from torch import Tensor, nn

from pipelines.efficientnet_lite import EfficientNetLite0, InvertedResidual

_NORM = ("weight", "bias", "running_mean", "running_var")


def load_imagenet(encoder: EfficientNetLite0, state: Mapping[str, Tensor]) -> None:
    """Copy the weights of the published EfficientNet-Lite0 (its own key names) into `encoder`.

    Raises:
        ValueError: if the encoder is not of the published size.
    """
    own = {**_conv_norm(encoder.stem, "_conv_stem", "_bn0")}
    blocks = [module for module in encoder.stages.modules() if isinstance(module, InvertedResidual)]
    for number, block in enumerate(blocks):
        prefix = f"_blocks.{number}."
        if not isinstance(block.expand, nn.Identity):
            own |= _conv_norm(block.expand, prefix + "_expand_conv", prefix + "_bn0")
        own |= _conv_norm(block.depthwise, prefix + "_depthwise_conv", prefix + "_bn1")
        own |= _conv_norm((block.project, block.norm), prefix + "_project_conv", prefix + "_bn2")
    for name, target in own.items():
        if name not in state or state[name].shape != target.shape:
            given = tuple(state[name].shape) if name in state else "nothing"
            raise ValueError(
                f"ImageNet weights do not fit this encoder: {name} is {given}, wanted {tuple(target.shape)}."
            )
        target.data.copy_(state[name])


def _conv_norm(pair, conv_name: str, norm_name: str) -> dict[str, Tensor]:
    conv, norm = pair[0], pair[1]
    return {f"{conv_name}.weight": conv.weight} | {f"{norm_name}.{key}": getattr(norm, key) for key in _NORM}
