"""The texts of the details part of the Generate tab."""

STRINGS = {
    "en": {
        "detail_generator_part": "Details",
        "details_no_weights": "No trained weights are installed, so no picture can be made yet. Put a model into "
        "`weights/detail_generator`, or name one under “Model”.",
        "details_category": "What it shows",
        "details_category_fruit": "Fruit",
        "details_category_vegetables": "Vegetables",
        "details_category_packages": "Packages",
        "details_button": "Make pictures",
        "details_empty": "Press the button: pictures of groceries on their shelves are made from noise, each with its "
        "seed.",
        "details_no_generator": "This model makes no pictures.",
        "details_own": "Start from a picture of yours",
        "details_own_picture": "Picture",
        "details_own_tip": "Its middle square is rebuilt by the model, then varied.",
        "details_own_button": "Rebuild and vary",
        "details_own_yours": "yours",
        "details_own_rebuilt": "rebuilt",
        "details_own_nothing_chosen": "Choose a picture to start from.",
        "details_no_encoder": "This model has no encoder, so it cannot start from a picture.",
    },
    "zh": {
        "detail_generator_part": "细节",
        "details_no_weights": "尚未安装训练好的权重，暂时无法生成图片。"
        "请把模型放入 `weights/detail_generator`，或在“模型”里指定。",
        "details_category": "内容",
        "details_category_fruit": "水果",
        "details_category_vegetables": "蔬菜",
        "details_category_packages": "包装",
        "details_button": "生成图片",
        "details_empty": "按下按钮，由噪声生成货架上食品杂货的小图，每张都有自己的种子。",
        "details_no_generator": "此模型不能生成图片。",
        "details_own": "从自己的图片开始",
        "details_own_picture": "图片",
        "details_own_tip": "取正中的方形，由模型重建，再加变化。",
        "details_own_button": "重建并变化",
        "details_own_yours": "原图",
        "details_own_rebuilt": "重建",
        "details_own_nothing_chosen": "请先选一幅图作为起点。",
        "details_no_encoder": "此模型没有编码器，不能从图片开始。",
    },
}
