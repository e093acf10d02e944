"""What a new study says unless its organiser says otherwise."""

from study.plan import BackgroundQuestion, Text

TITLE: Text = {"en": "Which picture is real?", "zh": "哪一幅是真的？"}

CONSENT: Text = {
    "en": """\
You are invited to take part in a study of how people see pictures. You will look at pictures, some of them made \
by people and some by a computer program, and answer a few short questions about them. There is nothing to \
prepare.

We store your answers, how long each took, the language and the width of this window, and what you choose to \
tell us about yourself. We store no name, no e-mail address and no network address. If a recruiting site sent \
you, its id of you is kept only in a scrambled form that cannot be turned back.

Taking part is voluntary. You can stop at any time by closing the page. You will be given a withdrawal code: \
with it you can have all your answers deleted, today or later.""",
    "zh": """\
诚邀您参加一项关于人们如何看图的研究。您将看到一些图片，其中有的出自人手，有的由计算机程序生成，并回答几个简短的\
问题。无需任何准备。

我们会保存您的回答、每题所用的时间、界面语言和窗口宽度，以及您自愿提供的个人情况。我们不保存姓名、电子邮件和网络\
地址。如果您由招募平台转来，平台给您的编号只以无法还原的加密形式保存。

参加完全自愿，您可以随时关闭页面退出。您会得到一个撤回码：凭它可以在当天或以后删除您的全部回答。""",
}

DEMO_TITLE: Text = {"en": "Demonstration: which colouring is a program's?", "zh": "演示：哪一幅是程序上的色？"}

DEMO_CONSENT: Text = {
    "en": """\
This is a demonstration of a study, not a study. All pictures are painted by this project's own program; in some \
of them a model has replaced the colours. You will be asked to find those.

Your answers are stored on this server as they would be in a study, and never mixed with those of real studies. \
You will be given a withdrawal code that deletes them.""",
    "zh": """\
这是研究的演示，不是正式研究。所有图片都由本项目自带的程序绘制，其中一些的颜色被模型替换过，请您把它们找出来。

您的回答会像正式研究那样保存在本服务器上，但绝不会与正式研究的数据混在一起。您会得到一个撤回码，可用来删除它们。""",
}

_YES_NO = {"yes": {"en": "Yes", "zh": "是"}, "no": {"en": "No", "zh": "否"}}

BACKGROUND = (
    BackgroundQuestion(
        key="art_training",
        text={"en": "Have you had any training in art or design?", "zh": "您受过美术或设计方面的训练吗？"},
        options=_YES_NO,
    ),
    BackgroundQuestion(
        key="pictures_known",
        text={
            "en": "Do you know much about Chinese landscape painting, or pictures of the kind shown here?",
            "zh": "您对中国山水画或这里展示的这类图片熟悉吗？",
        },
        options={
            "not": {"en": "Not at all", "zh": "完全不熟悉"},
            "some": {"en": "Somewhat", "zh": "有一些了解"},
            "well": {"en": "Very well", "zh": "非常熟悉"},
        },
    ),
)
