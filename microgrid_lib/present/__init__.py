"""What pages and reports draw, prepared as plain values: texts, cards, charts, ticks."""
