-- A call of a person. It stays for a day after its end, so that an "answered" that
-- arrives after the "ended" is recognized.
CREATE TABLE IF NOT EXISTS calls (
	person   TEXT NOT NULL, -- a user id, or an e-mail address that has yet to be looked up
	call     TEXT NOT NULL,
	answered INTEGER NOT NULL, -- milliseconds since the Unix epoch, by this machine's clock
	ended    INTEGER,
	PRIMARY KEY (person, call)
) WITHOUT ROWID;

-- A presence that was changed because of calls and has yet to be reverted.
CREATE TABLE IF NOT EXISTS changes (
	user_id INTEGER PRIMARY KEY,
	phase   TEXT NOT NULL,
	change  TEXT NOT NULL -- JSON of a symphony.PresenceChange
);

-- The user ids of e-mail addresses, for a day.
CREATE TABLE IF NOT EXISTS people (
	email     TEXT PRIMARY KEY,
	user_id   INTEGER NOT NULL,
	looked_up INTEGER NOT NULL
) WITHOUT ROWID;

-- The signatures that were accepted, for as long as their time stamps are.
CREATE TABLE IF NOT EXISTS signatures (
	signature BLOB PRIMARY KEY,
	received  INTEGER NOT NULL
) WITHOUT ROWID;
