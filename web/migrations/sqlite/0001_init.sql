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

-- Which holders were written to that their certificates end, and how long before. Holds no address; the log does
-- not answer for it: a letter too many or too few changes nothing here.
CREATE TABLE web_letter (
  tenant_id TEXT    NOT NULL,
  issuer_id TEXT    NOT NULL,
  serial    BLOB    NOT NULL,
  days      INTEGER NOT NULL,
  state     TEXT    NOT NULL CHECK (state IN ('sending', 'sent', 'failed', 'refused')),
  tries     INTEGER NOT NULL,
  tried_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, issuer_id, serial, days)
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

-- Passwords with their second factor. Covered by the audit log. `verifier` is a hash of what Argon2id gives; `totp` is
-- sealed by the rest of it, so neither factor can be read from here.
CREATE TABLE web_login (
  tenant_id  TEXT    NOT NULL,
  officer_id BLOB    NOT NULL CHECK (length(officer_id) = 16),
  login      TEXT    NOT NULL UNIQUE CHECK (length(login) BETWEEN 2 AND 64),
  salt       BLOB    NOT NULL CHECK (length(salt) = 16),
  memory_kib INTEGER NOT NULL,
  passes     INTEGER NOT NULL,
  verifier   BLOB    NOT NULL CHECK (length(verifier) = 32),
  totp       BLOB    NOT NULL CHECK (length(totp) = 48),
  changed_at INTEGER NOT NULL,
  audit_seq  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, officer_id)
) WITHOUT ROWID;

-- Passkeys: public keys only. Covered by the audit log.
CREATE TABLE web_passkey (
  tenant_id     TEXT    NOT NULL,
  credential_id BLOB    NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 1 AND 1023),
  officer_id    BLOB    NOT NULL CHECK (length(officer_id) = 16),
  name          TEXT    NOT NULL,
  domain        TEXT    NOT NULL,
  point         BLOB    NOT NULL CHECK (length(point) = 65),
  state         TEXT    NOT NULL CHECK (state IN ('active', 'removed')),
  created_at    INTEGER NOT NULL,
  audit_seq     INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, credential_id)
) WITHOUT ROWID;
CREATE INDEX web_passkey_officer ON web_passkey (tenant_id, officer_id);

-- Sessions of the portal, by the hash of their cookie. Not covered: the log has an entry for each sign-in. A row stays a
-- while after its end, so that a code of the second factor cannot be used twice.
CREATE TABLE web_session (
  session_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(session_hash) = 32),
  tenant_id    TEXT    NOT NULL,
  officer_id   BLOB    NOT NULL CHECK (length(officer_id) = 16),
  how          TEXT    NOT NULL CHECK (how IN ('password', 'passkey')),
  step         INTEGER,
  begun_at     INTEGER NOT NULL,
  seen_at      INTEGER NOT NULL,
  until_at     INTEGER NOT NULL,
  ended_at     INTEGER,
  UNIQUE (tenant_id, officer_id, step)
) WITHOUT ROWID;
CREATE INDEX web_session_until ON web_session (until_at);

-- What the administrator said of the installation, for people to read. Covered by the audit log.
CREATE TABLE web_setting (
  tenant_id TEXT    NOT NULL,
  name      TEXT    NOT NULL CHECK (name IN ('organisation')),
  value     TEXT    NOT NULL CHECK (length(value) <= 128),
  audit_seq INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name)
) WITHOUT ROWID;
