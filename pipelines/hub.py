from pathlib import Path


def save_for_hub(pipe, folder):
    pipe.save_pretrained(folder)
    return Path(folder)
