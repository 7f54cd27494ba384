"""A bar chart of ratios as SVG, on a logarithmic scale: what is right of the line is faster than the other filesystem."""

import math
from xml.sax.saxutils import escape

PAIRS = (("spotfs embedded", "gocryptfs", "#3b6ea5"), ("spotfs TLS", "sshfs tuned", "#c77d2e"))
LEFT, WIDTH, BAR, GAP = 230, 420, 12, 10  # pixels
TICKS = (0.25, 0.5, 1, 2, 4, 8, 16)


def plot(medians, rows):
    pairs = [pair for pair in PAIRS if all(pair[0] in of and pair[1] in of for of in medians.values())]
    low, high = math.log2(TICKS[0]), math.log2(TICKS[-1])

    def place(ratio):
        return LEFT + WIDTH * (min(max(math.log2(ratio), low), high) - low) / (high - low)

    step = BAR * len(pairs) + GAP
    top = 20 + 16 * len(pairs)
    bottom = top + step * len(rows)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{bottom + 30}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, (ours, theirs, colour) in enumerate(pairs):
        y = 16 + 16 * number
        out.append(f'<rect x="{LEFT}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        out.append(f'<text x="{LEFT + 16}" y="{y}">{escape(ours)} : {escape(theirs)}</text>')
    for tick in TICKS:
        x = place(tick)
        colour = "black" if tick == 1 else "#cccccc"
        out.append(f'<line x1="{x:.1f}" y1="{top - 4}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    for number, (row, (title, _, more)) in enumerate(rows.items()):
        y = top + step * number
        out.append(f'<text x="{LEFT - 8}" y="{y + step / 2:.0f}" text-anchor="end">{escape(title)}</text>')
        for bar, (ours, theirs, colour) in enumerate(pairs):
            of = medians[row]
            ratio = of[ours] / of[theirs] if more else of[theirs] / of[ours]
            left, right = sorted((place(1), place(ratio)))
            at = y + bar * BAR
            out.append(f'<rect x="{left:.1f}" y="{at}" width="{right - left:.1f}" height="{BAR - 2}" fill="{colour}"/>')
            out.append(f'<text x="{max(place(ratio), place(1)) + 4:.1f}" y="{at + 9}">{ratio:.2f}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"
