"""Wall times as horizontal bars, in an SVG that reads on a light and on a dark page."""

from xml.sax.saxutils import escape

from rows import ROWS
from table import keys_of, measured_rows, median

# Middle tones, with as much contrast against white as against black; the page shows through.
TEXT = "#767c85"
COLOURS = {"tl-train": "#2f9e6e", "tuned": "#c9822b", "tutorial": "#8a7fd1"}
WIDTH, NAMES, VALUES = 720, 76, 84  # pixels: all, left of the bars, right of the longest
LINE, HEADING, GAP = 20, 24, 14


def text(x, y, words, anchor="start", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}">'
            f'{escape(words)}</text>')


def bar(y, program, seconds, scale):
    width = max(seconds * scale, 2)
    return [text(NAMES - 8, y + 14, program, "end"),
            f'<rect x="{NAMES}" y="{y + 3:.0f}" width="{width:.1f}" height="{LINE - 6}" rx="2" '
            f'fill="{COLOURS[program]}"/>',
            text(NAMES + width + 6, y + 14, f"{seconds:,.1f} s")]


def draw(results):
    """The SVG's text; nothing where no training was measured."""
    times = {row: {program: median(results, key, "seconds")
                   for program, key in keys_of(row).items()}
             for row in measured_rows(results)}
    if not times:
        return None
    longest = max(max(of_row.values()) for of_row in times.values())
    scale = (WIDTH - NAMES - VALUES) / longest
    shapes, y = [], 0
    for row, of_row in times.items():
        shapes.append(text(4, y + 16, ROWS[row].title, weight="bold"))
        y += HEADING
        for program, seconds in of_row.items():
            shapes += bar(y, program, seconds, scale)
            y += LINE
        y += GAP
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
            f'height="{y}" font-family="system-ui, sans-serif" font-size="13" fill="{TEXT}">')
    return "\n".join([head, "<title>Wall time of whole runs, in seconds</title>", *shapes,
                      "</svg>", ""])
