"""Who may come in, and what the browser of someone inside may ask for.

`door` decides who a request is from, `front` looks at every request before anything else does,
`pages`, `channels` and `login` answer what is left.
"""
