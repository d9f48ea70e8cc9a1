"""Pure functions over strings: folding, formulas, negations, quantities, languages, invisible characters, cloze."""
