"""Ink on paper: the look of the page. System fonts only, nothing is fetched."""

import gradio as gr

CINNABAR = gr.themes.Color(
    name="cinnabar",
    c50="#fdf4f1", c100="#fae4dd", c200="#f3c5b8", c300="#e79e8a", c400="#d6735a", c500="#bf4f36",
    c600="#a63f29", c700="#893322", c800="#6d2b1e", c900="#56241b", c950="#33130d",
)  # fmt: skip
INK = gr.themes.Color(
    name="ink",
    c50="#faf7f0", c100="#f2ecdf", c200="#e4dccb", c300="#cdc3ae", c400="#a2998a", c500="#766f64",
    c600="#5a554d", c700="#443f39", c800="#2b2825", c900="#1e1c1a", c950="#151412",
)  # fmt: skip
SANS = ("ui-sans-serif", "system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")
MONO = ("ui-monospace", "Consolas", "Noto Sans Mono", "monospace")

CSS = """
.gradio-container { max-width: 1180px !important; min-width: 0 !important; width: 100%; margin: 0 auto !important; }
.main.app { min-width: 0 !important; padding-top: 20px !important; }
footer .divider:last-child { display: none; }
#masthead { gap: 2px; padding-bottom: 4px; min-width: 0 !important; }
#masthead .html-container, #masthead .block { padding: 0 !important; }
#masthead h1 {
  font-family: "Songti SC", "STSong", "Noto Serif CJK SC", "Source Han Serif SC", Georgia, "Times New Roman", serif;
  font-weight: 600; font-size: 2.3rem; line-height: 1.2; letter-spacing: .01em; margin: 0;
}
#masthead h1 span { letter-spacing: .12em; margin-right: .2em; color: var(--primary-600); }
.dark #masthead h1 span { color: var(--primary-400); }
#masthead p { font-size: 1.02rem; color: var(--body-text-color-subdued); margin: .2rem 0 0; text-wrap: balance; }
.block.notice {
  border-left: 3px solid var(--primary-500) !important; padding: .6rem 1rem !important;
  background: var(--block-background-fill);
}
.block.stage-empty {
  min-height: 420px; display: flex; align-items: center; justify-content: center; text-align: center;
  border: 1px dashed var(--border-color-primary) !important; padding: 24px !important;
  border-radius: var(--block-radius); background: var(--block-background-fill);
}
.block.stage-empty p { color: var(--body-text-color-subdued); margin: 0; max-width: 36ch; }
.block.examples .grid-wrap { min-height: 0; max-height: none; height: auto; padding: 8px; box-sizing: border-box; }
.block.examples .grid-container {
  padding: 30px 0 0; gap: 8px; grid-template-columns: repeat(3, minmax(0, 1fr)) !important;
}
.block.examples .thumbnail-item { aspect-ratio: 4 / 3; }
.block.one-row .grid-container {
  grid-template-columns: repeat(6, minmax(0, 1fr)) !important; grid-template-rows: none; grid-auto-rows: auto; gap: 6px;
}
.block.one-row .thumbnail-item { aspect-ratio: 1; height: auto; min-height: 0; }
.block.swatches .grid-container { grid-template-rows: none; grid-auto-rows: auto; }
.block.swatches .thumbnail-item { aspect-ratio: auto; height: auto; display: flex; flex-direction: column; }
.block.swatches .thumbnail-item img { width: 100%; height: auto; aspect-ratio: 4 / 3; object-fit: cover; }
.block.swatches .caption-label { /* under the picture, where it hides nothing */
  position: static; max-width: none; padding: 3px 4px; border: 0; border-radius: 0; white-space: pre-line;
  font-size: .78rem; line-height: 1.3; text-align: center; background: none; opacity: 1 !important;
  color: var(--body-text-color-subdued); overflow-wrap: anywhere;
}
.block.scroll-stage, .scroll-stage > .html-container { padding: 0 !important; }
@media (min-width: 800px) { .stays-in-sight { position: sticky; top: 10px; align-self: flex-start; } }
.block.side-by-side .grid-wrap { min-height: 0; max-height: none; height: auto; padding: 8px; box-sizing: border-box; }
.block.side-by-side .grid-container { padding: 30px 0 0; gap: 8px; }
.block.side-by-side .thumbnail-item { aspect-ratio: auto; height: auto; }
.block.side-by-side .thumbnail-item img { height: auto; }
.block.sampled .grid-wrap, .block.film-strip .grid-wrap {
  min-height: 0; max-height: none; height: auto; padding: 8px; box-sizing: border-box;
}
.block.sampled .grid-container {
  padding: 30px 0 0; gap: 8px; grid-template-rows: none; grid-auto-rows: auto;
  grid-template-columns: repeat(var(--grid-cols), minmax(0, 1fr));
}
.block.sampled .thumbnail-item {
  aspect-ratio: auto; height: auto; overflow: hidden; display: flex; flex-direction: column;
}
.block.sampled .thumbnail-item img { width: 100%; height: auto; aspect-ratio: 1; }
.block.sampled .caption-label { /* under the picture, where it hides nothing */
  position: static; max-width: none; padding: 2px 4px; border: 0; border-radius: 0; white-space: normal;
  font-size: .78rem; line-height: 1.3; text-align: center; background: none; opacity: 1 !important;
  color: var(--body-text-color-subdued); overflow-wrap: anywhere;
}
.block.film-strip .grid-container {
  padding: 30px 0 6px; gap: 2px; display: grid !important; grid-template-columns: none !important;
  grid-auto-flow: column; grid-auto-columns: 96px; grid-template-rows: none; overflow-x: auto;
}
.block.film-strip .thumbnail-item { aspect-ratio: 1; height: auto; border-radius: 0; }
.chosen { align-items: flex-start; }
.chosen .image-frame img { object-fit: contain; } /* small pictures are shown enlarged */
.section p {
  font-size: 1.25rem; font-weight: 600; margin: 18px 0 0; padding-top: 14px;
  border-top: 1px solid var(--border-color-primary);
}
.block.file-list .label-clear-button { display: none; } /* they are results: nothing to take out */
.block.file-list .stem { white-space: normal; overflow-wrap: anywhere; }
.block.file-list :is(tr, td) { padding: 3px 0 !important; margin: 0 !important; align-items: center; }
.block.file-list td.filename { flex: 1 1 auto; width: auto; max-width: none; }
.block.file-list td.download { flex: 0 0 auto; width: auto; }
.block.two-by-two .wrap { display: grid; grid-template-columns: 1fr 1fr; }
.stage [data-testid="status-tracker"].full:not(.hide) { opacity: .88; }
.stage [data-testid="status-tracker"]:has(.error) { display: none; }
.toast-title { font-size: 0 !important; } /* gradio writes "Error" there in every language; the message says enough */
.caption { text-align: center; }
.caption p { color: var(--body-text-color-subdued); font-size: .92rem; margin: 0; }
button:focus-visible, input:focus-visible, [tabindex]:focus-visible {
  outline: 2px solid var(--primary-500) !important; outline-offset: 2px;
}
@media (max-width: 640px) {
  .main.app { padding: 12px !important; }
  #masthead h1 { font-size: 1.8rem; }
  .block.stage-empty { min-height: 150px; }
  .block.sampled .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)) !important; gap: 6px; }
  .block.sampled .grid-wrap { max-height: 72vh; overflow-y: auto; } /* with many, the chosen one stays near */
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation-duration: .01ms !important; } }
"""

HEAD = """<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="丹青 Danqing colours paintings and line art and makes and edits pictures.">
<meta name="referrer" content="no-referrer">
<script>document.documentElement.lang = navigator.language;</script>"""


def theme() -> gr.themes.Base:
    """Warm paper by day, a dark studio by night; cinnabar is the only accent."""
    look = gr.themes.Base(
        primary_hue=CINNABAR,
        secondary_hue=INK,
        neutral_hue=INK,
        radius_size=gr.themes.sizes.radius_sm,
        font=SANS,
        font_mono=MONO,
    )
    return look.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_background_fill="*neutral_50",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_label_background_fill="*neutral_50",
        block_label_background_fill_dark="*neutral_900",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_shadow="none",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        input_background_fill="white",
        input_background_fill_dark="*neutral_800",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="*neutral_200",
        button_secondary_background_fill_hover="*neutral_300",
        button_secondary_background_fill_dark="*neutral_700",
        button_secondary_background_fill_hover_dark="*neutral_600",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )
