"""All SQL of the package.

``users`` and ``sign_ins`` are global; what else is read before a tenant is known goes through the definer functions
of migration 0002.
"""

from datetime import datetime
from uuid import UUID

from core.call import AccountRole
from core.db import Queries, Transaction
from core.model import TenantId, UserId
from identity.models import Account, DeviceSignIn, InvitationRow, Membership, SignInRow
from identity.state import RefreshToken


async def find_account(queries: Queries, email: str) -> Account | None:
    """The person with this e-mail."""
    return await queries.one(
        Account,
        "SELECT user_id, name, email, password_hash, last_tenant_id FROM users WHERE email = $1",
        email,
    )


async def get_account(queries: Queries, user_id: UserId) -> Account | None:
    """The person."""
    return await queries.one(
        Account,
        "SELECT user_id, name, email, password_hash, last_tenant_id FROM users WHERE user_id = $1",
        user_id,
    )


async def insert_account(queries: Queries, user_id: UserId, name: str, email: str, password_hash: str) -> bool:
    """Store a person; False where the e-mail has one already."""
    written = await queries.run(
        """
        INSERT INTO users (user_id, name, email, password_hash) VALUES ($1, $2, $3, $4)
        ON CONFLICT (email) DO NOTHING
        """,
        user_id, name, email, password_hash,
    )  # fmt: skip
    return written == 1


async def insert_guest(queries: Queries, user_id: UserId, name: str) -> None:
    """Store a person without e-mail."""
    await queries.run("INSERT INTO users (user_id, name) VALUES ($1, $2)", user_id, name)


async def set_password_hash(queries: Queries, user_id: UserId, old: str, new: str) -> None:
    """Replace the hash, unless another password came in between."""
    await queries.run(
        "UPDATE users SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2", user_id, old, new
    )


async def set_last_tenant(tx: Transaction, user_id: UserId) -> None:
    """Remember where the person went last."""
    await tx.run("UPDATE users SET last_tenant_id = $1 WHERE user_id = $2", tx.tenant_id, user_id)


async def insert_tenant(tx: Transaction, name: str) -> None:
    """Store the transaction's tenant."""
    await tx.run("INSERT INTO tenants (tenant_id, name) VALUES ($1, $2)", tx.tenant_id, name)


async def get_tenant_name(tx: Transaction) -> str | None:
    """What the transaction's tenant is called."""
    return await tx.value(str, "SELECT name FROM tenants WHERE tenant_id = $1", tx.tenant_id)


async def insert_membership(tx: Transaction, user_id: UserId, role: AccountRole) -> bool:
    """Make the person a member; False where they are one."""
    written = await tx.run(
        "INSERT INTO memberships (tenant_id, user_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tx.tenant_id, user_id, role,
    )  # fmt: skip
    return written == 1


async def has_member(tx: Transaction, email: str) -> bool:
    """Whether the person with this e-mail belongs to the tenant."""
    found = await tx.value(
        int,
        "SELECT 1 FROM memberships m JOIN users u USING (user_id) WHERE m.tenant_id = $1 AND u.email = $2",
        tx.tenant_id, email,
    )  # fmt: skip
    return found is not None


async def list_memberships(queries: Queries, user_id: UserId) -> tuple[Membership, ...]:
    """Where the person belongs, by name; at most 200."""
    return tuple(await queries.all(Membership, "SELECT tenant_id, organisation, role FROM memberships_of($1)", user_id))


async def insert_sign_in(
    tx: Transaction,
    sign_in_id: UUID,
    user_id: UserId,
    bound_to: UUID | None,
    agent: str,
    token: RefreshToken,
    ttl: float,
) -> None:
    """Store a sign-in that lasts ``ttl`` seconds unless it is refreshed."""
    await tx.run(
        """
        INSERT INTO sign_ins (
            tenant_id, sign_in_id, user_id, bound_to, agent, family_hash, current_hashes, expires_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, ARRAY[$7::bytea], now() + $8::float8 * interval '1 second')
        """,
        tx.tenant_id, sign_in_id, user_id, bound_to, agent, token.family_hash, token.secret_hash, ttl,
    )  # fmt: skip


async def find_family(queries: Queries, family_hash: bytes) -> SignInRow | None:
    """The sign-in that a refresh token belongs to."""
    return await queries.one(
        SignInRow,
        """
        SELECT sign_in_id, user_id, tenant_id, bound_to, current_hashes, previous_hash,
               ended_at IS NOT NULL OR expires_at <= clock_timestamp() AS over,
               extract(epoch FROM clock_timestamp() - rotated_at)::float8 AS rotated_ago
        FROM sign_ins WHERE family_hash = $1
        """,
        family_hash,
    )


async def lock_sign_in(queries: Queries, sign_in_id: UUID) -> SignInRow | None:
    """The sign-in, which nobody else changes until the end of the transaction."""
    return await queries.one(
        SignInRow,
        """
        SELECT sign_in_id, user_id, tenant_id, bound_to, current_hashes, previous_hash,
               ended_at IS NOT NULL OR expires_at <= clock_timestamp() AS over,
               extract(epoch FROM clock_timestamp() - rotated_at)::float8 AS rotated_ago
        FROM sign_ins WHERE sign_in_id = $1 FOR UPDATE
        """,
        sign_in_id,
    )


async def is_live(queries: Queries, sign_in_id: UUID) -> bool:
    """Whether the sign-in has neither ended nor expired."""
    found = await queries.value(
        int,
        "SELECT 1 FROM sign_ins WHERE sign_in_id = $1 AND ended_at IS NULL AND expires_at > clock_timestamp()",
        sign_in_id,
    )
    return found is not None


async def rotate(queries: Queries, sign_in_id: UUID, spent: bytes, given: bytes, ttl: float) -> None:
    """Spend one token and all its siblings for a new one."""
    await queries.run(
        """
        UPDATE sign_ins
        SET previous_hash = $2, current_hashes = ARRAY[$3::bytea], rotated_at = clock_timestamp(),
            seen_at = clock_timestamp(), expires_at = clock_timestamp() + $4::float8 * interval '1 second'
        WHERE sign_in_id = $1
        """,
        sign_in_id, spent, given, ttl,
    )  # fmt: skip


async def add_sibling(queries: Queries, sign_in_id: UUID, given: bytes) -> None:
    """Let one more token be used next."""
    await queries.run(
        "UPDATE sign_ins SET current_hashes = current_hashes || $2::bytea WHERE sign_in_id = $1", sign_in_id, given
    )


async def end_sign_in(queries: Queries, sign_in_id: UUID) -> bool:
    """End it; False where it had ended."""
    written = await queries.run(
        "UPDATE sign_ins SET ended_at = clock_timestamp() WHERE sign_in_id = $1 AND ended_at IS NULL", sign_in_id
    )
    return written == 1


async def move_sign_in(tx: Transaction, sign_in_id: UUID) -> bool:
    """Let the sign-in go on in the transaction's tenant; False where it is over."""
    written = await tx.run(
        """
        UPDATE sign_ins SET tenant_id = $1, seen_at = clock_timestamp()
        WHERE sign_in_id = $2 AND ended_at IS NULL AND expires_at > clock_timestamp()
        """,
        tx.tenant_id, sign_in_id,
    )  # fmt: skip
    return written == 1


async def list_devices(queries: Queries, user_id: UserId, current: UUID) -> tuple[DeviceSignIn, ...]:
    """The person's live sign-ins, last seen first; at most 100."""
    return tuple(
        await queries.all(
            DeviceSignIn,
            """
            SELECT sign_in_id AS id, created_at, seen_at, agent, sign_in_id = $2 AS current
            FROM sign_ins WHERE user_id = $1 AND ended_at IS NULL AND expires_at > clock_timestamp()
            ORDER BY seen_at DESC LIMIT 100
            """,
            user_id, current,
        )
    )  # fmt: skip


async def get_device_tenant(queries: Queries, user_id: UserId, sign_in_id: UUID) -> TenantId | None:
    """The tenant that one of the person's live sign-ins is in."""
    found = await queries.value(
        UUID,
        "SELECT tenant_id FROM sign_ins WHERE user_id = $1 AND sign_in_id = $2 AND ended_at IS NULL",
        user_id, sign_in_id,
    )  # fmt: skip
    return None if found is None else TenantId(found)


async def insert_invitation(
    tx: Transaction,
    invitation_id: UUID,
    email: str,
    role: AccountRole,
    word_hash: bytes,
    invited_by: UserId,
    ttl: float,
) -> datetime | None:
    """Store an invitation; when it expires."""
    return await tx.value(
        datetime,
        """
        INSERT INTO invitations (tenant_id, invitation_id, email, role, word_hash, invited_by, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, now() + $7::float8 * interval '1 second') RETURNING expires_at
        """,
        tx.tenant_id, invitation_id, email, role, word_hash, invited_by, ttl,
    )  # fmt: skip


async def find_invitation(queries: Queries, word_hash: bytes) -> InvitationRow | None:
    """The invitation that a word opens, used and expired ones too."""
    return await queries.one(
        InvitationRow,
        "SELECT tenant_id, id, organisation, email, role, used, expired FROM invitation_of($1)",
        word_hash,
    )


async def use_invitation(tx: Transaction, invitation_id: UUID, user_id: UserId) -> bool:
    """Spend it; False where it is spent or expired."""
    written = await tx.run(
        """
        UPDATE invitations SET accepted_at = clock_timestamp(), accepted_by = $3
        WHERE tenant_id = $1 AND invitation_id = $2 AND accepted_at IS NULL AND expires_at > clock_timestamp()
        """,
        tx.tenant_id, invitation_id, user_id,
    )  # fmt: skip
    return written == 1
