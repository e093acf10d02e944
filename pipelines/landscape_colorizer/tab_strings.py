"""The texts of the Colorize tab."""

STRINGS = {
    "en": {
        "colorize_tab": "Colorize",
        "landscape_colorizer_part": "Landscapes",
        "colorize_no_weights": "No trained weights are installed, so nothing can be coloured yet. Put a model into "
        "`weights/landscape_colorizer`, or name one under “Model”.",
        "colorize_picture": "Painting",
        "colorize_nothing_chosen": "Choose a painting first: drop a picture in, or pick an example.",
        "colorize_examples": "Or try one of these",
        "colorize_vividness": "Vividness",
        "colorize_vividness_info": "1 is the model's own colour, 0 is grey",
        "colorize_button": "Colour",
        "colorize_stop": "Stop",
        "colorize_empty": "Drop an ink-wash or grey landscape into the box, or pick an example. "
        "It appears here, and then in colour.",
        "colorize_result": "Before and after",
        "colorize_download": "Download PNG",
        "colorize_loading": "Loading the model",
        "colorize_painting_tiles": "Laying on colour",
        "colorize_saving": "Saving",
        "colorize_done": "{width} × {height} pixels, coloured in {seconds} s. Drag the line to compare.",
    },
    "zh": {
        "colorize_tab": "设色",
        "landscape_colorizer_part": "山水",
        "colorize_no_weights": "尚未安装训练好的权重，暂时无法设色。"
        "请把模型放入 `weights/landscape_colorizer`，或在“模型”里指定。",
        "colorize_picture": "画作",
        "colorize_nothing_chosen": "请先选一幅画：拖入图片，或点选示例。",
        "colorize_examples": "或试试这些",
        "colorize_vividness": "鲜艳度",
        "colorize_vividness_info": "1 为模型原色，0 为黑白",
        "colorize_button": "设色",
        "colorize_stop": "停止",
        "colorize_empty": "请放入一幅水墨或黑白山水，或点选示例。画作先在此显示，随后设色。",
        "colorize_result": "前后对比",
        "colorize_download": "下载 PNG",
        "colorize_loading": "正在载入模型",
        "colorize_painting_tiles": "正在敷色",
        "colorize_saving": "正在保存",
        "colorize_done": "{width} × {height} 像素，用时 {seconds} 秒。拖动中线可对比。",
    },
}
