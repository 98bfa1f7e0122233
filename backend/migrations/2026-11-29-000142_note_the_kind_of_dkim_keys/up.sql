-- What the sealed key signs with, readable without decrypting it; NULL for one that was stored before.
ALTER TABLE smtp_servers ADD COLUMN dkim_algorithm TEXT CHECK (dkim_algorithm IN ('ed25519', 'rsa'));
