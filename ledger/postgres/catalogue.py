"""The schema as the database has it, told line by line, so that it can be held against another.

What keeps history append-only is triggers, grants and an owner: whoever drops a trigger, disables
it, replaces its function or gives himself a right changes one of these lines. What a fresh database
of this program has lies in ``ledger/data/schema.txt``; ``make schema`` writes it.
"""

from collections.abc import Iterable
from typing import LiteralString

import psycopg

from ledger.postgres.database import APP_ROLE

OWNER = "the owner"
_MAINTAIN_SINCE = 170000  # the server's version from which on there is such a right

# what a role or a database may be given that changes how everything behaves
_DECISIVE = (
    *("session_replication_role", "search_path", "row_security", "role", "synchronous_commit"),
    *("session_preload_libraries", "local_preload_libraries", "check_function_bodies"),
    *("guoku.division", "guoku.agencies"),  # what nobody is to see who has not said whose it is
)

# Each gives (table or '', line). A table's lines are told of the tables that are asked for.
_LINES: tuple[LiteralString, ...] = (
    """
SELECT c.relname, format('%s %s of %s%s%s%s',
    CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'p' THEN 'partitioned table'
                   WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
                   ELSE 'sequence' END,
    c.relname, owner.rolname,
    CASE c.relpersistence WHEN 'p' THEN '' ELSE ', not permanent' END,
    CASE WHEN c.relrowsecurity OR c.relforcerowsecurity THEN ', with row security'
         || CASE WHEN NOT c.relrowsecurity THEN ' that is off' ELSE '' END
         || CASE WHEN c.relforcerowsecurity THEN ', of its owner too' ELSE '' END ELSE '' END,
    CASE WHEN c.relkind <> 'v' THEN ''
         ELSE ': ' || md5(regexp_replace(pg_get_viewdef(c.oid), '\\s+', ' ', 'g')) END)
FROM pg_class c JOIN pg_roles owner ON owner.oid = c.relowner
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'p', 'm', 'f', 'S')""",
    """
SELECT c.relname, format('column %s.%s %s%s%s%s%s', c.relname, a.attname,
    format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
    CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END,
    CASE WHEN d.oid IS NULL THEN '' ELSE ' default ' || pg_get_expr(d.adbin, d.adrelid) END,
    CASE WHEN coalesce(l.collname, 'default') = 'default' THEN ''
         ELSE ' collate ' || l.collname END)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'p', 'm', 'f')""",
    """
SELECT c.relname, format('constraint on %s: %s%s', c.relname, pg_get_constraintdef(k.oid),
    CASE WHEN k.convalidated THEN '' ELSE ', not validated' END)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = 'public'::regnamespace AND k.contype <> 'n'""",
    """
SELECT c.relname, format('index: %s%s', pg_get_indexdef(i.indexrelid),
    CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN '' ELSE ', not valid' END)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace""",
    """
SELECT c.relname, format('trigger: %s%s', pg_get_triggerdef(t.oid),
    CASE t.tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ', disabled'
                     ELSE ', enabled ' || t.tgenabled::text END)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace
AND (NOT t.tgisinternal OR t.tgenabled <> 'O')""",
    """
SELECT c.relname, format('rule: %s', pg_get_ruledef(r.oid))
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = 'public'::regnamespace AND r.rulename <> '_RETURN'""",
    """
SELECT c.relname, format('policy %s on %s for %s of %s%s: %s, %s', p.polname, c.relname, p.polcmd,
    (SELECT string_agg(coalesce(r.rolname, 'everybody'), ' ') FROM unnest(p.polroles) of_role
     LEFT JOIN pg_roles r ON r.oid = of_role),
    CASE WHEN p.polpermissive THEN '' ELSE ', restricting' END,
    md5(regexp_replace(coalesce(pg_get_expr(p.polqual, p.polrelid), ''), '\\s+', ' ', 'g')),
    md5(regexp_replace(coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''), '\\s+', ' ', 'g')))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'public'::regnamespace""",
    """
SELECT c.relname, format('%s inherits from %s', child.relname, c.relname)
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhparent
JOIN pg_class child ON child.oid = h.inhrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')""",
    """
SELECT c.relname, format('grant of %s%s on %s to %s', a.privilege_type,
    CASE WHEN a.is_grantable THEN ', to be passed on,' ELSE '' END, c.relname,
    coalesce(grantee.rolname, 'everybody'))
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
LEFT JOIN pg_roles grantee ON grantee.oid = a.grantee
WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner""",
    """
SELECT c.relname, format('grant of %s on %s.%s to %s', a.privilege_type, c.relname, t.attname,
    coalesce(grantee.rolname, 'everybody'))
FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid
CROSS JOIN LATERAL aclexplode(t.attacl) a LEFT JOIN pg_roles grantee ON grantee.oid = a.grantee
WHERE c.relnamespace = 'public'::regnamespace""",
    """
SELECT '', format('function %s(%s) of %s in %s%s%s: %s', p.proname,
    pg_get_function_identity_arguments(p.oid), owner.rolname, l.lanname,
    CASE WHEN p.prosecdef THEN ', with its owner''s rights' ELSE '' END,
    CASE WHEN p.proconfig IS NULL THEN '' ELSE ', set ' || p.proconfig::text END,
    md5(coalesce(p.prosrc, '') || coalesce(p.probin, '')))
FROM pg_proc p JOIN pg_roles owner ON owner.oid = p.proowner JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass
    AND d.deptype = 'e')""",
    """
SELECT '', format('grant of CREATE on the schema to %s', coalesce(grantee.rolname, 'everybody'))
FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a
LEFT JOIN pg_roles grantee ON grantee.oid = a.grantee
WHERE n.oid = 'public'::regnamespace AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
AND NOT pg_has_role(a.grantee, n.nspowner, 'MEMBER')
AND grantee.rolname IS DISTINCT FROM current_user""",
    """
SELECT '', format('default grant: %s', d.defaclacl::text) FROM pg_default_acl d""",
    """
SELECT '', format('event trigger %s', e.evtname) FROM pg_event_trigger e
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = e.oid AND d.deptype = 'e')""",
)
_APP_LINES: LiteralString = """
SELECT 'role ' || rolname || CASE WHEN rolsuper THEN ', superuser' ELSE '' END
    || CASE WHEN rolcreaterole THEN ', makes roles' ELSE '' END
    || CASE WHEN rolcreatedb THEN ', makes databases' ELSE '' END
    || CASE WHEN rolbypassrls THEN ', passes row security' ELSE '' END
    || CASE WHEN rolreplication THEN ', replicates' ELSE '' END
FROM pg_roles WHERE rolname = %(app)s
UNION ALL
SELECT format('%%s is a member of %%s', %(app)s::text, g.rolname) FROM pg_auth_members m
JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid WHERE r.rolname = %(app)s
UNION ALL
SELECT format('setting %%s%%s', s, coalesce(' of ' || r.rolname, ''))
FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) s
LEFT JOIN pg_roles r ON r.oid = d.setrole
WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
AND (d.setrole = 0 OR r.rolname IN (%(app)s, current_user))
AND split_part(s, '=', 1) = ANY(%(decisive)s)
UNION ALL
SELECT 'setting session_replication_role=' || current_setting('session_replication_role')"""


def describe_schema(
    connection: psycopg.Connection, tables: Iterable[str] | None = None
) -> set[str]:
    """The lines of the schema that the connection's user owns.

    Args:
        tables: those that are told of, with what hangs on them; None for all there are.
    """
    [(owner,)] = connection.execute("SELECT current_user").fetchall()
    wanted = None if tables is None else set(tables)
    lines: set[str] = set()
    for statement in _LINES:
        for table, line in connection.execute(statement):
            if wanted is None or not table or table in wanted:
                lines.add(_named(line, owner))
    asked = {"app": APP_ROLE, "decisive": list(_DECISIVE)}
    lines |= {_named(line, owner) for (line,) in connection.execute(_APP_LINES, asked)}
    return {line for line in lines if not _is_harmless(line)}


def expected_schema(text: str, server_version: int) -> set[str]:
    """The lines of ``schema.txt``, as a server of this version has them."""
    lines = {line for line in text.splitlines() if line and not line.startswith("#")}
    if server_version < _MAINTAIN_SINCE:
        lines = {line for line in lines if not line.startswith("grant of MAINTAIN ")}
    return lines


def _named(line: str, owner: str) -> str:
    """Without the owner's name, which every installation chooses."""
    return line.replace(f" of {owner}", f" of {OWNER}", 1)


def _is_harmless(line: str) -> bool:
    """A right to read, of whoever the operator lets read; the program's own are told."""
    reading = line.startswith("grant of SELECT on ")
    return reading and not line.endswith((f" to {APP_ROLE}", " to everybody"))
