"""POCs, their versions, favourites, and the one way to search them."""

from migrations.tenancy import definer, run, tenant_table

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the catalogue."""
    tables()
    search()
    facts()


def tables() -> None:
    """POCs as they are, as they were, and who likes them."""
    run(
        """
        CREATE TABLE pocs (
            tenant_id uuid NOT NULL REFERENCES tenants,
            id uuid NOT NULL,
            owner_id uuid NOT NULL,
            name text NOT NULL,
            description text NOT NULL,
            languages text[] NOT NULL,
            tags text[] NOT NULL,
            authors text[] NOT NULL,
            visibility text NOT NULL CHECK (visibility IN ('private', 'tenant')),
            files jsonb NOT NULL,
            origin jsonb,
            light_id uuid,
            revision int NOT NULL DEFAULT 1,
            search tsvector NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            deleted_at timestamptz,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE INDEX pocs_newest ON pocs (tenant_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
        CREATE UNIQUE INDEX pocs_light ON pocs (tenant_id, owner_id, light_id) WHERE deleted_at IS NULL;
        CREATE INDEX pocs_search ON pocs USING gin (search) WITH (fastupdate = off) WHERE deleted_at IS NULL;

        -- files is null where they are those of the revision before.
        CREATE TABLE poc_versions (
            tenant_id uuid NOT NULL,
            poc_id uuid NOT NULL,
            revision int NOT NULL,
            what text NOT NULL CHECK (what IN ('created', 'changed', 'deleted', 'restored')),
            by_id uuid NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            name text NOT NULL,
            description text NOT NULL,
            languages text[] NOT NULL,
            tags text[] NOT NULL,
            visibility text NOT NULL,
            files jsonb,
            PRIMARY KEY (tenant_id, poc_id, revision),
            FOREIGN KEY (tenant_id, poc_id) REFERENCES pocs
        );

        CREATE TABLE favourites (
            tenant_id uuid NOT NULL,
            user_id uuid NOT NULL,
            poc_id uuid NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, user_id, poc_id),
            FOREIGN KEY (tenant_id, poc_id) REFERENCES pocs
        );
        CREATE INDEX favourites_poc ON favourites (tenant_id, poc_id);
        """
    )
    tenant_table("pocs", app="SELECT, INSERT, UPDATE", system="SELECT")
    tenant_table("poc_versions", app="SELECT, INSERT")
    tenant_table("favourites", app="SELECT, INSERT, DELETE", system="SELECT")


def search() -> None:
    """Find POCs of the transaction's tenant, as one person may see them (docs/decisions/0010).

    Runs as ``dojo_system``, because row-level security keeps ``@@`` and ``@>`` from their indexes. The tenant is
    never an argument. Planned anew for each call: which conditions there are decides which index serves.
    """
    run(
        """
        CREATE FUNCTION search_pocs(
            p_viewer uuid, p_match tsquery, p_rank tsquery, p_language text, p_tags text[], p_only text,
            p_after_rank double precision, p_after_at timestamptz, p_after_id uuid, p_limit int
        ) RETURNS jsonb LANGUAGE sql STABLE SET plan_cache_mode = force_custom_plan AS $$
            WITH found AS MATERIALIZED (
                SELECT p.id, p.created_at, p.languages, p.tags,
                       CASE WHEN p_rank IS NULL THEN 0.0::double precision
                            ELSE ts_rank('{0.1, 0.2, 0.5, 1.0}', p.search, p_rank)::double precision END AS rank
                FROM pocs p
                WHERE p.tenant_id = current_tenant()
                  AND p.deleted_at IS NULL
                  AND (p.visibility = 'tenant' OR p.owner_id = p_viewer)
                  AND (p_match IS NULL OR p.search @@ p_match)
                  AND (p_language IS NULL OR p.languages @> ARRAY[p_language])
                  AND p.tags @> p_tags
                  AND (p_only <> 'mine' OR p.owner_id = p_viewer)
                  AND (p_only <> 'favourites' OR EXISTS (
                      SELECT FROM favourites f
                      WHERE f.tenant_id = current_tenant() AND f.user_id = p_viewer AND f.poc_id = p.id))
            ), hits AS (
                SELECT id, created_at, rank FROM found
                WHERE p_after_id IS NULL OR (rank, created_at, id) < (p_after_rank, p_after_at, p_after_id)
                ORDER BY rank DESC, created_at DESC, id DESC LIMIT p_limit
            ), languages AS (
                SELECT value, count(*) FROM found, unnest(languages) value
                GROUP BY value ORDER BY count(*) DESC, value LIMIT 30
            ), tags AS (
                SELECT value, count(*) FROM found, unnest(tags) value
                GROUP BY value ORDER BY count(*) DESC, value LIMIT 30
            )
            SELECT jsonb_build_object(
                'total', (SELECT count(*) FROM found),
                'hits', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'rank', rank)
                         ORDER BY rank DESC, created_at DESC, id DESC), '[]') FROM hits),
                'languages', (SELECT coalesce(jsonb_agg(jsonb_build_object('value', value, 'count', count)
                              ORDER BY count DESC, value), '[]') FROM languages),
                'tags', (SELECT coalesce(jsonb_agg(jsonb_build_object('value', value, 'count', count)
                         ORDER BY count DESC, value), '[]') FROM tags))
        $$;
        """
    )
    definer("search_pocs(uuid, tsquery, tsquery, text, text[], text, double precision, timestamptz, uuid, int)")


def facts() -> None:
    """What other packages may read of the POCs that are there.

    They filter by visibility themselves. ``excerpt`` is the beginning of the first file that is not a test.
    """
    run(
        """
        CREATE VIEW catalog_poc_facts WITH (security_invoker = true) AS
        SELECT p.tenant_id, p.id AS poc_id, p.owner_id, p.visibility, p.name, p.languages, p.tags, p.authors,
               p.revision, p.created_at, p.updated_at,
               shown.name AS excerpt_name, left(shown.text, 4000) AS excerpt
        FROM pocs p
        CROSS JOIN LATERAL (
            SELECT file.value ->> 'name' AS name, file.value ->> 'text' AS text
            FROM jsonb_array_elements(p.files) WITH ORDINALITY file
            ORDER BY file.value ->> 'name' ~* '(^|[_.-])(test|tests|spec)[_.-]', file.ordinality LIMIT 1
        ) shown
        WHERE p.deleted_at IS NULL;
        GRANT SELECT ON catalog_poc_facts TO dojo_app;

        COMMENT ON VIEW catalog_poc_facts IS
            'POCs that are not deleted, for other packages. Show a person only rows with visibility tenant or their own.';
        """
    )
