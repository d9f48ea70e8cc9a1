"""The baseline for reading: reads the text of every page of a PDF with pypdfium2 only."""

import sys

import pypdfium2


def main() -> None:
    """Print the number of characters in the PDF."""
    document = pypdfium2.PdfDocument(sys.argv[1])
    print(sum(len(page.get_textpage().get_text_range()) for page in document))


if __name__ == "__main__":
    main()
