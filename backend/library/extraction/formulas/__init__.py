"""Formulas in LaTeX: from Office's mathematics and from MathML, with the signs that both need."""
