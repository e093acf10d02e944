"""The texts that all tabs share, in English and Chinese."""

TEXTS = {
    "en": {
        "app_promise": "Colour for ink-wash and grey Chinese landscape paintings and for line art; another season or "
        "weather for photographs of scenes; pictures of groceries and products from noise, and product pictures "
        "improved.",
        "error_nothing_chosen": "Choose a picture first.",
        "error_empty": "“{name}” is empty (0 bytes). Choose another file.",
        "error_not_a_picture": "“{name}” is not a picture this page can read. Use JPEG, PNG, TIFF, WebP, GIF or BMP.",
        "error_damaged": "“{name}” is damaged or incomplete and cannot be read to the end. Try "
        "saving or sending it again.",
        "error_too_many_pixels": "“{name}” is {size} pixels. Up to {limit} megapixels are possible here.",
        "error_too_many_bytes": "“{name}” has {size} MB. Up to {limit} MB are possible here.",
        "error_web_address": "Web addresses are not accepted: upload the picture itself.",
        "error_time": "This took longer than {limit} seconds and was stopped. Try a smaller picture.",
        "error_memory": "There was not enough memory for this picture. Try a smaller one.",
        "error_unexpected": "That did not work, and the fault is ours, not your picture's. The log "
        "of the app says more.",
        "error_no_weights": "No weights are installed for this. Name a model under “Model”.",
        "error_model_name": "“{source}” is not a Hub id such as user/model. Folders can only be "
        "named when the app runs on your own computer.",
        "error_model_name_or_folder": "“{source}” is neither a Hub id such as user/model nor a "
        "folder on this computer.",
        "error_bomb": "“{name}” claims far more pixels than the {limit} megapixels possible here.",
        "error_model": "“{source}” could not be loaded: it is not there, not open to everyone, no "
        "model for this page, or there is no connection.",
        "error_model_because": "“{source}” could not be loaded. {reason}",
        "error_vividness": "Vividness goes from 0 to 2; got {value}.",
        "error_strokes": "These are no strokes of this page: at most {strokes} of them, with {points} points in all, "
        "inside the picture.",
        "stopped": "Stopped.",
        "model": "Model",
        "model_source": "Another model",
        "model_source_info": "A Hub id such as user/model. Only its numbers are loaded, never its code.",
        "model_source_info_folders": "A Hub id such as user/model, or a folder. Only its numbers are "
        "loaded, never its code.",
        "model_default": "The model that comes with the app",
        "model_revision": "Revision",
        "model_revision_info": "Branch, tag or commit on the Hub; empty for the newest",
    },
    "zh": {
        "app_promise": "为水墨、黑白山水和线稿设色，为风景照片换季节、换天气；由噪声生成食品与商品图，并修饰商品图。",
        "error_nothing_chosen": "请先选一幅图。",
        "error_empty": "“{name}”是空文件（0 字节），请换一个文件。",
        "error_not_a_picture": "“{name}”不是本页能读的图片，请用 JPEG、PNG、TIFF、WebP、GIF 或 BMP。",
        "error_damaged": "“{name}”已损坏或不完整，无法读完。请重新保存或重新上传。",
        "error_too_many_pixels": "“{name}”为 {size} 像素；此处最多 {limit} 百万像素。",
        "error_too_many_bytes": "“{name}”有 {size} MB；此处最多 {limit} MB。",
        "error_web_address": "不接受网址，请直接上传图片。",
        "error_time": "超过 {limit} 秒，已停止。请换一幅小一些的图。",
        "error_memory": "内存不足以处理这幅图，请换一幅小一些的。",
        "error_unexpected": "没有成功。问题在我们这边，与您的图片无关；详情见程序日志。",
        "error_no_weights": "尚未安装权重，请在“模型”里指定一个模型。",
        "error_model_name": "“{source}”不是 Hub 编号（如 user/model）。只有在自己的电脑上运行时才能填文件夹。",
        "error_model_name_or_folder": "“{source}”既不是 Hub 编号（如 user/model），也不是本机上的文件夹。",
        "error_bomb": "“{name}”声称的像素远超此处上限 {limit} 百万像素。",
        "error_model": "无法载入“{source}”：找不到、未公开、不适用于本页，或没有网络。",
        "error_model_because": "无法载入“{source}”。{reason}",
        "error_vividness": "鲜艳度为 0 到 2，收到的是 {value}。",
        "error_strokes": "这不是本页的笔画：最多 {strokes} 笔，共 {points} 个点，且须在画面之内。",
        "stopped": "已停止。",
        "model": "模型",
        "model_source": "换一个模型",
        "model_source_info": "Hub 编号，如 user/model。只读取权重数值，不运行其中的代码。",
        "model_source_info_folders": "Hub 编号（如 user/model）或文件夹。只读取权重数值，不运行其中的代码。",
        "model_default": "随程序附带的模型",
        "model_revision": "版本",
        "model_revision_info": "Hub 上的分支、标签或提交；留空为最新",
    },
}
