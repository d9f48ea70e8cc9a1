"""Reads the text of every page of a PDF with pypdfium2 and nothing else: what the worker's reading is held against."""

import sys

import pypdfium2


def main() -> None:
    """Print the number of characters of the PDF that the command line names."""
    document = pypdfium2.PdfDocument(sys.argv[1])
    print(sum(len(page.get_textpage().get_text_range()) for page in document))


if __name__ == "__main__":
    main()
