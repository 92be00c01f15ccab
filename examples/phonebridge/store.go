package main

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/symphony-go/symphony"
)

//go:embed schema.sql
var schema string

// phase is how far a change of a presence is.
type phase string

const (
	noChange  phase = ""
	setting   phase = "setting"   // the set has been sent, or is about to be
	active    phase = "active"    // the pod has confirmed it
	left      phase = "left"      // the user has chosen another presence: there is nothing to revert
	reverting phase = "reverting" // the revert has been sent, or is about to be
)

// remember is how long ended calls and looked-up people are kept.
const remember = 24 * time.Hour

// store is what must survive the process: a SQLite database.
type store struct{ db *sql.DB }

// openStore opens or makes the database, which no other process may use.
//
// One connection holds the lock for as long as the store is open. A commit is on disk
// when it returns (synchronous=FULL).
func openStore(ctx context.Context, path string) (*store, error) {
	pragmas := url.Values{"_pragma": {"locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(FULL)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w (does another phonebridge use it?)", path, err), db.Close())
	}
	return &store{db}, nil
}

func (s *store) close() error { return s.db.Close() }

// ping reports whether the database can be read.
func (s *store) ping(ctx context.Context) error {
	return s.db.QueryRowContext(ctx, "SELECT count(*) FROM changes").Scan(new(int))
}

// find returns the person of an event, with the user id if it is known.
func (s *store) find(ctx context.Context, e event) (person, error) {
	var userID int64
	err := s.db.QueryRowContext(ctx, "SELECT user_id FROM people WHERE email = ?", e.person()).Scan(&userID)
	if errors.Is(err, sql.ErrNoRows) {
		return e.person(), nil
	}
	return personWithID(userID), err
}

// accept stores an event of a person and the signature that it came with, or neither. It
// is on disk when accept returns. It reports whether the event says anything new.
func (s *store) accept(ctx context.Context, p person, e event, signature []byte, now time.Time) (isNew bool, err error) {
	err = s.transact(ctx, func(tx *sql.Tx) error {
		changed, err := execute(ctx, tx, "INSERT INTO signatures VALUES (?, ?) ON CONFLICT DO NOTHING", signature, now.UnixMilli())
		switch {
		case err != nil:
			return err
		case changed == 0:
			return errReplay
		case e.State == answered:
			changed, err = execute(ctx, tx, "INSERT INTO calls VALUES (?, ?, ?, NULL) ON CONFLICT DO NOTHING", p, e.Call, now.UnixMilli())
		default:
			changed, err = execute(ctx, tx, `INSERT INTO calls VALUES (?1, ?2, ?3, ?3)
				ON CONFLICT DO UPDATE SET ended = excluded.ended WHERE ended IS NULL`, p, e.Call, now.UnixMilli())
		}
		isNew = changed > 0
		return err
	})
	return isNew, err
}

// resolve notes the user id of an e-mail address, whose calls are that user's from now on.
func (s *store) resolve(ctx context.Context, email person, userID int64, now time.Time) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		_, err := execute(ctx, tx, "INSERT OR REPLACE INTO people VALUES (?, ?, ?)", email, userID, now.UnixMilli())
		if err != nil {
			return err
		}
		_, err = execute(ctx, tx, `INSERT INTO calls SELECT ?, call, answered, ended FROM calls WHERE person = ?
			ON CONFLICT DO UPDATE SET answered = min(answered, excluded.answered), ended = coalesce(ended, excluded.ended)`,
			personWithID(userID), email)
		if err != nil {
			return err
		}
		_, err = execute(ctx, tx, "DELETE FROM calls WHERE person = ?", email)
		return err
	})
}

// hasCalls reports whether a person has calls, also ended ones.
func (s *store) hasCalls(ctx context.Context, p person) (has bool, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) > 0 FROM calls WHERE person = ?", p).Scan(&has)
	return has, err
}

// situation is what the store knows of a user.
type situation struct {
	inCall bool
	phase  phase
	change symphony.PresenceChange // only its UserID if the phase is noChange
}

func (s *store) situation(ctx context.Context, userID int64) (situation, error) {
	now := situation{change: symphony.PresenceChange{UserID: userID}}
	err := s.db.QueryRowContext(ctx, "SELECT count(*) > 0 FROM calls WHERE person = ? AND ended IS NULL", personWithID(userID)).Scan(&now.inCall)
	if err != nil {
		return now, err
	}
	var change []byte
	err = s.db.QueryRowContext(ctx, "SELECT phase, change FROM changes WHERE user_id = ?", userID).Scan(&now.phase, &change)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return now, nil
	case err != nil:
		return now, err
	}
	return now, json.Unmarshal(change, &now.change)
}

// save stores how far a change is.
func (s *store) save(ctx context.Context, change symphony.PresenceChange, phase phase) error {
	text, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, err = execute(ctx, s.db, "INSERT OR REPLACE INTO changes VALUES (?, ?, ?)", change.UserID, phase, text)
	return err
}

// finish removes a change that has been reverted or left to the user.
func (s *store) finish(ctx context.Context, userID int64) error {
	_, err := execute(ctx, s.db, "DELETE FROM changes WHERE user_id = ?", userID)
	return err
}

// forget removes the calls and the change of a person whom the pod does not know.
func (s *store) forget(ctx context.Context, p person) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		if userID, ok := p.userID(); ok {
			if _, err := execute(ctx, tx, "DELETE FROM changes WHERE user_id = ?", userID); err != nil {
				return err
			}
		}
		_, err := execute(ctx, tx, "DELETE FROM calls WHERE person = ?", p)
		return err
	})
}

// unfinished returns the people whose presence is not known to be what their calls ask for.
func (s *store) unfinished(ctx context.Context) ([]person, error) {
	return s.people(ctx, `
		SELECT DISTINCT person FROM calls LEFT JOIN changes ON person = CAST(user_id AS TEXT)
			WHERE ended IS NULL AND (phase IS NULL OR phase = 'setting') OR instr(person, '@')
		UNION
		SELECT CAST(user_id AS TEXT) FROM changes
			WHERE phase = 'reverting' OR NOT EXISTS (SELECT * FROM calls WHERE person = CAST(user_id AS TEXT) AND ended IS NULL)`)
}

// expire ends the calls that were answered before a time, and returns whose they were.
func (s *store) expire(ctx context.Context, answeredBefore, now time.Time) ([]person, error) {
	return s.people(ctx, "UPDATE calls SET ended = ? WHERE ended IS NULL AND answered < ? RETURNING person",
		now.UnixMilli(), answeredBefore.UnixMilli())
}

// clean removes what is remembered no longer.
func (s *store) clean(ctx context.Context, now time.Time) error {
	before := now.Add(-remember).UnixMilli()
	_, calls := execute(ctx, s.db, "DELETE FROM calls WHERE ended < ?", before)
	_, people := execute(ctx, s.db, "DELETE FROM people WHERE looked_up < ?", before)
	_, signatures := execute(ctx, s.db, "DELETE FROM signatures WHERE received < ?", now.Add(-3*tolerance).UnixMilli())
	return errors.Join(calls, people, signatures)
}

// count returns how many calls and changes are in progress.
func (s *store) count(ctx context.Context) (calls, changes int64, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM calls WHERE ended IS NULL), (SELECT count(*) FROM changes)").Scan(&calls, &changes)
	return calls, changes, err
}

// people returns the first column of a query.
func (s *store) people(ctx context.Context, query string, args ...any) (people []person, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p person
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		people = append(people, p)
	}
	return people, rows.Err()
}

// transact runs a transaction, and rolls it back if it fails.
func (s *store) transact(ctx context.Context, run func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := run(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// execute runs a statement and returns how many rows it changed.
func execute(ctx context.Context, db interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, statement string, args ...any,
) (int64, error) {
	result, err := db.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
