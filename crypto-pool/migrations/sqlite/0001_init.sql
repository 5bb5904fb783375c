-- One row for each key the pool holds. The private half is wrapped under the root key; NULL once destroyed.
CREATE TABLE pool_key (
    tenant_id  TEXT    NOT NULL,
    id         TEXT    NOT NULL UNIQUE,
    purpose    TEXT    NOT NULL,
    algorithm  TEXT    NOT NULL,
    spki       BLOB    NOT NULL UNIQUE,
    wrapped    BLOB,
    state      TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    subject    BLOB,
    key_id     BLOB    NOT NULL,
    not_before INTEGER,
    not_after  INTEGER,
    audit_seq  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
