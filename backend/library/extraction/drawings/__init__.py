"""DrawingML: text, tables, charts and diagrams as PowerPoint and Word store them in drawings."""
