"""Parts of sections: each a model without widgets, and a view linked to it."""
