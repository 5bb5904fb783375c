-- Tables of the key centre. Times are milliseconds since 1970, UTC. No key stands here in clear: `archived` is an
-- SM2EnvelopedKey for an archive key of the pool, `envelope` one for a holder or recipient.
-- audit_seq: the newest log entry that covers the row, NULL while no entry does.

-- Encryption keys. Intended with the intents of their certificates, kept with the certificates themselves; void if
-- nothing came of those. What is wrapped is there exactly as long as the key is intended or kept.
CREATE TABLE centre_key (
    key_id       BLOB    NOT NULL PRIMARY KEY,
    tenant_id    TEXT    NOT NULL,
    request_id   BLOB    NOT NULL UNIQUE,
    state        TEXT    NOT NULL CHECK (state IN ('intended', 'kept', 'void', 'destroyed')),
    archive_key  BLOB    NOT NULL,
    spki         BLOB    NOT NULL UNIQUE,
    archived     BLOB,
    envelope     BLOB,
    subject      BLOB    NOT NULL,
    -- The subject as people read it, to be searched.
    name         TEXT    NOT NULL,
    issuer_id    TEXT    NOT NULL,
    serial       BLOB    NOT NULL,
    sign_serial  BLOB    NOT NULL,
    requester    TEXT    NOT NULL,
    approver     TEXT,
    made_at      INTEGER NOT NULL,
    -- The log entry with which it was kept: the order of lists.
    kept_seq     INTEGER,
    delivered_at INTEGER,
    recoveries   INTEGER NOT NULL DEFAULT 0,
    recovered_at INTEGER,
    audit_seq    INTEGER,
    CHECK ((archived IS NULL) = (state IN ('void', 'destroyed'))),
    CHECK ((archived IS NULL) = (envelope IS NULL)),
    CHECK ((kept_seq IS NULL) = (state IN ('intended', 'void'))),
    CHECK ((recoveries = 0) = (recovered_at IS NULL))
) STRICT;

CREATE INDEX centre_key_newest ON centre_key (tenant_id, kept_seq) WHERE kept_seq IS NOT NULL;

-- How often a delivery was fetched. The first time stands in the key's row and in the log.
CREATE TABLE centre_fetch (
    key_id    BLOB    NOT NULL PRIMARY KEY,
    tenant_id TEXT    NOT NULL,
    count     INTEGER NOT NULL
) STRICT;

-- What officers asked for. A row is added, decided once, and never goes away.
CREATE TABLE centre_order (
    order_id   BLOB    NOT NULL PRIMARY KEY,
    tenant_id  TEXT    NOT NULL,
    key_id     BLOB    NOT NULL REFERENCES centre_key (key_id),
    aim        TEXT    NOT NULL CHECK (aim IN ('holder', 'court', 'destroy')),
    state      TEXT    NOT NULL CHECK (state IN ('asked', 'done', 'refused')),
    reason     TEXT    NOT NULL,
    ground     TEXT    NOT NULL,
    -- The certificate it is for, DER.
    recipient  BLOB,
    asked_by   TEXT    NOT NULL,
    asked_at   INTEGER NOT NULL,
    asked_seq  INTEGER NOT NULL,
    decided_by TEXT,
    decided_at INTEGER,
    refusal    TEXT,
    envelope   BLOB,
    audit_seq  INTEGER,
    -- Two people, whatever the program does. Who asked may only withdraw.
    CHECK (state <> 'done' OR decided_by <> asked_by),
    CHECK ((state = 'asked') = (decided_by IS NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK ((state = 'refused') = (refusal IS NOT NULL)),
    CHECK ((aim = 'destroy') = (recipient IS NULL)),
    CHECK ((envelope IS NOT NULL) = (state = 'done' AND aim <> 'destroy'))
) STRICT;

CREATE INDEX centre_order_newest ON centre_order (tenant_id, asked_seq);
CREATE INDEX centre_order_key ON centre_order (key_id, asked_seq);

CREATE TRIGGER centre_key_stays BEFORE DELETE ON centre_key
BEGIN SELECT RAISE(ABORT, 'a row of centre_key is never removed'); END;

CREATE TRIGGER centre_order_stays BEFORE DELETE ON centre_order
BEGIN SELECT RAISE(ABORT, 'a row of centre_order is never removed'); END;

CREATE TRIGGER centre_order_decided BEFORE UPDATE ON centre_order WHEN old.state <> 'asked'
BEGIN SELECT RAISE(ABORT, 'an order is decided once'); END;
