-- Officers: people and programs with a role. Covered by the audit log.
-- The hashes are SM3 with a label; no credential and no link is stored itself.
CREATE TABLE web_officer (
  tenant_id         TEXT    NOT NULL,
  officer_id        BLOB    NOT NULL CHECK (length(officer_id) = 16),
  name              TEXT    NOT NULL,
  role              TEXT    NOT NULL,
  state             TEXT    NOT NULL CHECK (state IN ('invited', 'active', 'disabled')),
  credential        TEXT             CHECK (credential IN ('token', 'certificate')),
  credential_hash   BLOB    UNIQUE   CHECK (length(credential_hash) = 32),
  credential_issuer TEXT,
  credential_serial BLOB,
  link_hash         BLOB    UNIQUE   CHECK (length(link_hash) = 32),
  link_until        INTEGER,
  created_at        INTEGER NOT NULL,
  changed_at        INTEGER NOT NULL,
  audit_seq         INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, officer_id),
  CHECK ((credential IS NULL) = (credential_hash IS NULL)),
  CHECK ((link_hash IS NULL) = (link_until IS NULL))
) WITHOUT ROWID;

-- The certificates this installation uses itself: its TLS server, the key of its log.
CREATE TABLE web_own (
  tenant_id TEXT    NOT NULL,
  purpose   TEXT    NOT NULL CHECK (purpose IN ('tls-server', 'audit-signer')),
  key_id    BLOB    NOT NULL CHECK (length(key_id) = 16),
  issuer_id TEXT    NOT NULL,
  serial    BLOB    NOT NULL,
  audit_seq INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, purpose)
) WITHOUT ROWID;
