"""Messages that leave the house: e-mail, webhooks, folders, and a record of what was delivered.

A message is queued in the database (`outbox`), together with the change it tells of; `Postman`
carries out what is queued. Each delivery is made at least once: a process that dies between sending
and writing that down makes it again, with the same Message-ID or Idempotency-Key.
"""
