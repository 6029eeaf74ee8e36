"""Runs Typst in a process of its own, which gives its memory back and can't take ours down.

Called as `python -I compiler.py TEMPLATE ROOT FONTS SECONDS`, with the document's JSON on standard
input; writes the PDF to standard output. It imports nothing of the library: it starts at once.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

_CANNOT = 3


def main(template: str, root: str, fonts: str, seconds: str) -> int:
    """Compile one document; a fault of the document is a line on standard error.

    Parameters
    ----------
    template
        The Typst source.
    root
        An empty folder: all that the source may read.
    fonts
        Folder of the fonts; no others are used.
    seconds
        Time of making it, since the epoch [s].
    """
    import typst

    content = sys.stdin.buffer.read().decode("utf-8")
    try:
        pdf: bytes = typst.compile(  # type: ignore[type-var]  # the stub wants one type for all paths
            Path(template).read_bytes(),
            root=root,
            font_paths=typst.Fonts(
                include_system_fonts=False,
                # Formulas take a font that only comes with Typst; it is big, most have none.
                include_embedded_fonts=bool(json.loads(content)["formulas"]),
                font_paths=[Path(fonts)],
            ),
            sys_inputs={"document": content},
            pdf_standards=["a-2a", "ua-1"],
            timestamp=int(seconds),
            package_path=root,
            package_cache_path=root,
        )
    except typst.TypstError as error:
        sys.stderr.buffer.write(" ".join(str(error).split()).encode("utf-8", "replace"))
        return _CANNOT
    sys.stdout.buffer.write(pdf)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
