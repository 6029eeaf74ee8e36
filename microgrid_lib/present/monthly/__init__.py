"""What the periodic reports say: facts asked for once, findings by stated rules, tables.

`facts.gather` asks; everything else is made of a `Facts` and the reader's texts.
"""
