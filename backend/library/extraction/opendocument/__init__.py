"""OpenDocument (ISO/IEC 26300): texts and presentations, as LibreOffice writes them."""
