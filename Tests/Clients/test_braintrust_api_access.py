"""braintrust-api, the official REST client, unmodified: organizations, people, groups, roles, grants and projects.

Each answer is validated against the client's own types, which raises where it differs from them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import braintrust_api
import pytest
from braintrust_api import AsyncBraintrust, Braintrust
from braintrust_api.types.shared import ACL, Group, Project, Role

from conftest import Team

UNKNOWN = "01890000-0000-7000-8000-000000000000"
EVERYBODY = ["owner", "engineer", "viewer", "service account"]


def connect(team: Team, key: str) -> Braintrust:
    return Braintrust(base_url=team.url, api_key=key, max_retries=0, _strict_response_validation=True)


@pytest.fixture
def owner(team: Team) -> Iterator[Braintrust]:
    with connect(team, team.ada.key) as client:
        yield client


@pytest.fixture
def engineer(team: Team) -> Iterator[Braintrust]:
    with connect(team, team.ed.key) as client:
        yield client


@pytest.fixture
def viewer(team: Team) -> Iterator[Braintrust]:
    with connect(team, team.vi.key) as client:
        yield client


@pytest.fixture
def caller(request: pytest.FixtureRequest, team: Team) -> Iterator[Braintrust]:
    """The client of the one whom the test names."""
    with connect(team, team.keys[request.param]) as client:
        yield client


@pytest.fixture
def email(name: str) -> str:
    """An address that no other test invites."""
    return f"{name.split()[1]}@example.com"


def group_named(client: Braintrust, name: str) -> Group:
    [group] = client.groups.list(group_name=name).objects
    return group


def role_named(client: Braintrust, name: str) -> Role:
    [role] = client.roles.list(role_name=name).objects
    return role


def refused(call, *arguments, **named) -> str:
    """The sentence of the 403 that a call is answered with."""
    with pytest.raises(braintrust_api.PermissionDeniedError) as caught:
        call(*arguments, **named)
    return caught.value.body["Message"]


def invalid(call, *arguments, **named) -> str:
    """The sentence of the 400 that a call is answered with."""
    with pytest.raises(braintrust_api.BadRequestError) as caught:
        call(*arguments, **named)
    return caught.value.body["Message"]


# Members


def test_person_is_added_once_and_removed_once(team: Team, owner: Braintrust, email: str):
    """The same call again changes nothing."""
    for _ in range(2):
        done = owner.organizations.members.update(invite_users={"emails": [email], "group_names": ["Viewers"]})
        assert (done.status, done.org_id, done.send_email_error) == ("success", team.organization["id"], None)
        [user] = owner.users.list(email=email).objects
        assert user.email == email and user.given_name is None
        assert group_named(owner, "Viewers").member_users.count(user.id) == 1
    for _ in range(2):
        assert owner.organizations.members.update(remove_users={"emails": [email]}).status == "success"
        assert owner.users.list(email=email).objects == []
        assert user.id not in group_named(owner, "Viewers").member_users
    refused(owner.users.retrieve, user.id)


@pytest.mark.parametrize("spelling", ["group_ids", "group_names", "group_id", "group_name"])
def test_groups_are_named_in_four_ways(owner: Braintrust, email: str, name: str, spelling: str):
    group = owner.groups.create(name=name)
    value = group.id if "_id" in spelling else name
    owner.organizations.members.update(
        invite_users={"emails": [email], spelling: [value] if spelling.endswith("s") else value}
    )
    [user] = owner.users.list(email=email).objects
    assert owner.groups.retrieve(group.id).member_users == [user.id]


def test_member_who_is_invited_again_stays_as_they_are(team: Team, owner: Braintrust):
    """An invitation is for those who are not there: it puts no member into further groups."""
    before = group_named(owner, "Owners").member_users
    for invitation in ({"ids": [team.ed.id]}, {"emails": ["ED@example.com"]}):
        owner.organizations.members.update(invite_users={**invitation, "group_names": ["Owners"]})
    assert group_named(owner, "Owners").member_users == before == [team.ada.id]


def test_unknown_user_or_group_stops_the_whole_call(team: Team, owner: Braintrust, email: str):
    """A user of another organization is as unknown as one that is not there."""
    members = owner.organizations.members
    for id in (UNKNOWN, team.eve.id):
        assert refused(members.update, invite_users={"emails": [email], "ids": [id]}) == (
            f"Missing read access to user id {id}, or the user does not exist"
        )
    assert "Nobodies" in refused(members.update, invite_users={"emails": [email], "group_names": ["Nobodies"]})
    assert UNKNOWN in refused(members.update, invite_users={"emails": [email], "group_ids": [UNKNOWN]})
    invalid(members.update, invite_users={"emails": [email, "nobody"]})
    assert owner.users.list(email=email).objects == []


@pytest.mark.parametrize("caller", ["engineer", "viewer", "service account"], indirect=True)
def test_who_is_no_owner_changes_no_members(team: Team, caller: Braintrust, owner: Braintrust, email: str):
    assert "create access to members" in refused(caller.organizations.members.update, invite_users={"emails": [email]})
    assert "delete access to members" in refused(
        caller.organizations.members.update, remove_users={"ids": [team.vi.id]}
    )
    assert owner.users.list(email=email).objects == []
    assert owner.users.retrieve(team.vi.id).id == team.vi.id


def test_last_owner_stays(team: Team, owner: Braintrust):
    assert "without an owner" in invalid(owner.organizations.members.update, remove_users={"ids": [team.ada.id]})
    owners = group_named(owner, "Owners")
    assert "without an owner" in invalid(owner.groups.update, owners.id, remove_member_users=[team.ada.id])
    assert owner.groups.retrieve(owners.id).member_users == [team.ada.id]


def test_organization_by_name_and_by_id(team: Team, owner: Braintrust, email: str):
    for place in ({"org_name": "Acme"}, {"org_id": team.organization["id"]}):
        assert owner.organizations.members.update(**place).org_id == team.organization["id"]
    for place in ({"org_name": "Globex"}, {"org_id": team.eve.organization_id}, {"org_id": UNKNOWN}):
        refused(owner.organizations.members.update, invite_users={"emails": [email]}, **place)


def test_service_account_is_made_with_a_token_that_works_as_a_key(team: Team, owner: Braintrust, name: str):
    """Once: the same call again shows no secret again. The client's types do not have these members yet."""
    accounts = {"invite_users": {"service_accounts": [{"name": name, "token_name": "ci"}], "group_names": ["Viewers"]}}
    done = owner.organizations.members.update(extra_body=accounts)
    [added] = done.to_dict()["added_users"]
    assert list(added) == ["id", "email", "api_key", "token_name"] and added["token_name"] == "ci"
    assert added["api_key"].startswith("bt-st-") and added["email"].endswith("@service-accounts.invalid")
    with connect(team, added["api_key"]) as robot:
        assert [found.name for found in robot.organizations.list()] == ["Acme"]
        assert robot.users.retrieve(added["id"]).given_name == name
        refused(robot.projects.create, name=name)
        refused(robot.api_keys.create, name=name)
        assert owner.organizations.members.update(extra_body=accounts).to_dict()["added_users"] is None
        owner.organizations.members.update(remove_users={"ids": [added["id"]]})
        with pytest.raises(braintrust_api.AuthenticationError):
            robot.organizations.list()


def test_removed_member_is_out_at_once_and_old_keys_stay_dead(team: Team, owner: Braintrust, email: str):
    """Being invited once more brings no key back."""
    accounts = {"invite_users": {"service_accounts": [{"name": email, "token_name": "ci"}], "group_names": ["Viewers"]}}
    [added] = owner.organizations.members.update(extra_body=accounts).to_dict()["added_users"]
    with connect(team, added["api_key"]) as client:
        assert client.projects.list() is not None
        owner.organizations.members.update(remove_users={"ids": [added["id"]]})
        with pytest.raises(braintrust_api.AuthenticationError):
            client.projects.list()
        [again] = owner.organizations.members.update(extra_body=accounts).to_dict()["added_users"]
        assert again["api_key"] != added["api_key"]
        with pytest.raises(braintrust_api.AuthenticationError):
            client.projects.list()


# Organizations and users, as each may see them


@pytest.mark.parametrize("caller", EVERYBODY, indirect=True)
def test_everybody_reads_the_organization_and_its_people(team: Team, caller: Braintrust):
    assert [found.id for found in caller.organizations.list()] == [team.organization["id"]]
    assert caller.organizations.retrieve(team.organization["id"]).name == "Acme"
    people = {user.id: user.email for user in caller.users.list()}
    assert {team.ada.id, team.ed.id, team.vi.id, team.robot_id} <= set(people)
    assert team.eve.id not in people
    assert caller.users.retrieve(team.robot_id).given_name == "robot"
    refused(caller.users.retrieve, team.eve.id)
    refused(caller.organizations.retrieve, team.eve.organization_id)


@pytest.mark.parametrize("caller", EVERYBODY[1:], indirect=True)
def test_owners_alone_change_the_organization(team: Team, caller: Braintrust):
    refused(caller.organizations.update, team.organization["id"], name="Ours")


# Groups


def test_group_lives_through_all_calls(team: Team, owner: Braintrust, name: str):
    inner = owner.groups.create(name=f"{name}, inner")
    group = owner.groups.create(name=name, description="first", member_users=[team.ed.id], member_groups=[inner.id])
    assert (group.name, group.description, group.org_id) == (name, "first", team.organization["id"])
    assert (group.member_users, group.member_groups, group.deleted_at) == ([team.ed.id], [inner.id], None)
    assert group.user_id == team.ada.id and group.created is not None
    assert owner.groups.retrieve(group.id) == group

    found = owner.groups.with_raw_response.create(name=name, description="second", member_users=[team.vi.id])
    assert found.headers["x-bt-found-existing"] == "true" and found.parse() == group

    changed = owner.groups.update(
        group.id,
        name=f"{name}!",
        add_member_users=[team.vi.id, team.ed.id],
        remove_member_groups=[inner.id],
    )
    assert changed.name == f"{name}!" and changed.description == "first" and changed.member_groups == []
    assert sorted(changed.member_users) == sorted([team.ed.id, team.vi.id])
    changed = owner.groups.update(group.id, remove_member_users=[team.ed.id], add_member_groups=[inner.id])
    assert (changed.member_users, changed.member_groups) == ([team.vi.id], [inner.id])

    replaced = owner.groups.replace(name=f"{name}!", member_users=[team.ada.id])
    assert (replaced.id, replaced.description) == (group.id, None)
    assert (replaced.member_users, replaced.member_groups) == ([team.ada.id], [])
    made = owner.groups.replace(name=name, description="another")
    assert made.id != group.id and made.description == "another"

    deleted = owner.groups.delete(group.id)
    assert deleted.id == group.id and deleted.deleted_at is not None
    refused(owner.groups.retrieve, group.id)
    assert owner.groups.list(group_name=f"{name}!").objects == []
    assert owner.groups.create(name=f"{name}!").id != group.id


def test_groups_are_listed_page_by_page(owner: Braintrust, name: str):
    ids = [owner.groups.create(name=f"{name} {number}").id for number in range(5)][::-1]
    listed = [group.id for group in owner.groups.list(limit=2)]
    assert listed[:5] == ids and len(set(listed)) == len(listed)
    assert {group.name for group in owner.groups.list()} >= {"Owners", "Engineers", "Viewers"}
    assert [group.id for group in owner.groups.list(ids=[ids[4], ids[0]])] == [ids[0], ids[4]]
    assert [group.id for group in owner.groups.list(group_name=f"{name} 0")] == [ids[4]]
    assert owner.groups.list(org_name="Globex").objects == []


@pytest.mark.parametrize("built_in", ["Owners", "Engineers", "Viewers"])
def test_built_in_group_is_neither_renamed_nor_deleted(owner: Braintrust, name: str, built_in: str):
    group = group_named(owner, built_in)
    assert built_in in invalid(owner.groups.delete, group.id)
    assert built_in in invalid(owner.groups.update, group.id, name=name)
    assert owner.groups.update(group.id, description=name).description == name


def test_group_that_would_hold_itself_is_refused(owner: Braintrust, name: str):
    first = owner.groups.create(name=f"{name} 1")
    second = owner.groups.create(name=f"{name} 2", member_groups=[first.id])
    third = owner.groups.create(name=f"{name} 3", member_groups=[second.id])
    for inner in (first, second, third):
        assert inner.id in invalid(owner.groups.update, first.id, add_member_groups=[inner.id])
    assert third.id in invalid(owner.groups.replace, name=f"{name} 1", member_groups=[third.id])
    assert owner.groups.retrieve(first.id).member_groups == []


def test_group_takes_in_no_strangers(team: Team, owner: Braintrust, name: str):
    group = owner.groups.create(name=name)
    for id in (team.eve.id, UNKNOWN):
        assert id in refused(owner.groups.update, group.id, add_member_users=[id])
        assert id in refused(owner.groups.create, name=f"{name}!", member_users=[id])
    assert owner.groups.list(group_name=f"{name}!").objects == []


@pytest.mark.parametrize("caller", EVERYBODY[1:], indirect=True)
def test_who_is_no_owner_reads_groups_and_roles_alone(team: Team, owner: Braintrust, caller: Braintrust, name: str):
    group, role = owner.groups.create(name=name), owner.roles.create(name=name)
    assert caller.groups.retrieve(group.id) == group and caller.roles.retrieve(role.id) == role
    assert group.id in [found.id for found in caller.groups.list()]
    assert role.id in [found.id for found in caller.roles.list()]
    for kind, object in ((caller.groups, group), (caller.roles, role)):
        refused(kind.create, name=f"{name}!")
        refused(kind.replace, name=name, description="mine")
        refused(kind.update, object.id, description="mine")
        refused(kind.delete, object.id)
    refused(caller.groups.update, group.id, add_member_users=[team.vi.id])
    assert owner.groups.retrieve(group.id) == group and owner.roles.retrieve(role.id) == role


# Roles


def permissions(role: Role) -> set[tuple[str, str | None]]:
    return {(item.permission, item.restrict_object_type) for item in role.member_permissions}


def test_role_lives_through_all_calls(team: Team, owner: Braintrust, name: str):
    role = owner.roles.create(
        name=name,
        description="first",
        member_permissions=[
            {"permission": "read"},
            {"permission": "update", "restrict_object_type": "experiment"},
        ],
    )
    assert (role.name, role.description, role.org_id) == (name, "first", team.organization["id"])
    assert permissions(role) == {("read", None), ("update", "experiment")} and role.member_roles == []
    assert owner.roles.retrieve(role.id) == role
    found = owner.roles.with_raw_response.create(name=name, member_permissions=[])
    assert found.headers["x-bt-found-existing"] == "true" and found.parse() == role

    base = owner.roles.create(name=f"{name}, base")
    assert permissions(base) == set()
    changed = owner.roles.update(
        role.id,
        remove_member_permissions=[{"permission": "update", "restrict_object_type": "experiment"}],
        add_member_permissions=[{"permission": "delete", "restrict_object_type": None}, {"permission": "read"}],
        add_member_roles=[base.id],
    )
    assert permissions(changed) == {("read", None), ("delete", None)} and changed.member_roles == [base.id]
    assert owner.roles.retrieve(role.id) == changed
    assert role.id in invalid(owner.roles.update, base.id, add_member_roles=[role.id])

    replaced = owner.roles.replace(name=name, member_permissions=[{"permission": "create"}])
    assert (replaced.id, replaced.description, replaced.member_roles) == (role.id, None, [])
    assert permissions(replaced) == {("create", None)}

    deleted = owner.roles.delete(role.id)
    assert deleted.deleted_at is not None
    refused(owner.roles.retrieve, role.id)
    assert owner.roles.list(role_name=name).objects == []


@pytest.mark.parametrize("caller", EVERYBODY, indirect=True)
def test_system_roles_are_there_for_all_and_changed_by_none(caller: Braintrust, name: str):
    """The documented way to the Owner role is the first object of a list by its name."""
    for system in ("Owner", "Engineer", "Viewer"):
        role = role_named(caller, system)
        assert role.org_id is None and caller.roles.retrieve(role.id) == role
        refused(caller.roles.update, role.id, name=name)
        refused(caller.roles.update, role.id, add_member_permissions=[{"permission": "create"}])
        refused(caller.roles.replace, name=system, description="ours")
        refused(caller.roles.delete, role.id)
        assert caller.roles.retrieve(role.id) == role


def test_role_may_take_over_a_system_role(owner: Braintrust, name: str):
    role = owner.roles.create(name=name, member_roles=[role_named(owner, "Viewer").id])
    assert role.member_roles == [role_named(owner, "Viewer").id]


# Grants


@pytest.fixture
def project(owner: Braintrust, name: str) -> Project:
    return owner.projects.create(name=name)


def test_grant_is_in_force_while_it_is_there(team: Team, owner: Braintrust, viewer: Braintrust, project: Project):
    refused(viewer.projects.update, project.id, name=f"{project.name} 1")
    grant = owner.acls.create(object_type="project", object_id=project.id, user_id=team.vi.id, permission="update")
    assert (grant.object_type, grant.object_id, grant.object_org_id) == (
        "project",
        project.id,
        team.organization["id"],
    )
    assert (grant.user_id, grant.group_id) == (team.vi.id, None)
    assert (grant.permission, grant.role_id, grant.restrict_object_type) == ("update", None, None)
    assert owner.acls.retrieve(grant.id) == grant
    assert viewer.projects.update(project.id, name=f"{project.name} 1").name == f"{project.name} 1"
    refused(viewer.projects.delete, project.id)
    assert owner.acls.delete(grant.id) == grant
    refused(viewer.projects.update, project.id, name=f"{project.name} 2")
    refused(owner.acls.retrieve, grant.id)


def test_same_grant_again_is_the_one_that_is_there(team: Team, owner: Braintrust, project: Project):
    content = {"object_type": "project", "object_id": project.id, "user_id": team.vi.id, "permission": "update"}
    first = owner.acls.create(**content)
    again = owner.acls.with_raw_response.create(**content)
    assert again.headers["x-bt-found-existing"] == "true" and again.parse() == first
    restricted = owner.acls.create(**content, restrict_object_type="dataset")
    assert restricted.id != first.id and restricted.restrict_object_type == "dataset"


def test_grants_on_an_object_are_listed(team: Team, owner: Braintrust, project: Project):
    """Its maker's own is among them, and those above it are not."""
    group = group_named(owner, "Viewers")
    given = [
        owner.acls.create(object_type="project", object_id=project.id, user_id=team.vi.id, permission=permission)
        for permission in ("update", "delete")
    ] + [owner.acls.create(object_type="project", object_id=project.id, group_id=group.id, permission="update")]
    listed = list(owner.acls.list(object_type="project", object_id=project.id, limit=1))
    assert listed[:3] == given[::-1]
    [own] = listed[3:]
    assert (own.user_id, own.role_id) == (team.ada.id, role_named(owner, "Owner").id)
    assert list(owner.acls.list(object_type="project", object_id=project.id, ids=given[1].id)) == [given[1]]
    narrowed = owner.acls.list(object_type="project", object_id=project.id, extra_query={"permission": "update"})
    assert [grant.id for grant in narrowed] == [given[2].id, given[0].id]


def test_role_reaches_people_through_nested_groups(
    team: Team, owner: Braintrust, viewer: Braintrust, project: Project, name: str
):
    """And whatever on the way is taken out again ends it: the member, the inner group, the role's permission."""
    base = owner.roles.create(name=f"{name}, base", member_permissions=[{"permission": "update"}])
    role = owner.roles.create(name=name, member_roles=[base.id])
    inner = owner.groups.create(name=f"{name}, inner", member_users=[team.vi.id])
    outer = owner.groups.create(name=name, member_groups=[inner.id])
    owner.acls.create(object_type="project", object_id=project.id, group_id=outer.id, role_id=role.id)

    def may_update() -> bool:
        try:
            viewer.projects.update(project.id, extra_body={"description": "by Vi"})
        except braintrust_api.PermissionDeniedError:
            return False
        return True

    assert may_update()
    for undo, redo in [
        (
            lambda: owner.groups.update(inner.id, remove_member_users=[team.vi.id]),
            lambda: owner.groups.update(inner.id, add_member_users=[team.vi.id]),
        ),
        (
            lambda: owner.groups.update(outer.id, remove_member_groups=[inner.id]),
            lambda: owner.groups.update(outer.id, add_member_groups=[inner.id]),
        ),
        (
            lambda: owner.roles.update(role.id, remove_member_roles=[base.id]),
            lambda: owner.roles.update(role.id, add_member_roles=[base.id]),
        ),
        (
            lambda: owner.roles.update(base.id, remove_member_permissions=[{"permission": "update"}]),
            lambda: owner.roles.update(base.id, add_member_permissions=[{"permission": "update"}]),
        ),
    ]:
        undo()
        assert not may_update()
        redo()
        assert may_update()
    owner.groups.delete(inner.id)
    assert not may_update()


def test_grant_is_deleted_by_its_content(team: Team, owner: Braintrust, project: Project):
    content = {"object_type": "project", "object_id": project.id, "user_id": team.vi.id, "permission": "update"}
    grant = owner.acls.create(**content)
    assert owner.acls.find_and_delete(**content) == grant
    refused(owner.acls.find_and_delete, **content)
    refused(owner.acls.retrieve, grant.id)


def test_several_grants_change_together(team: Team, owner: Braintrust, viewer: Braintrust, project: Project):
    """What is there is not given again, and what is not there is not missed; one that is refused stops all."""
    place = {"object_type": "project", "object_id": project.id, "user_id": team.vi.id}
    update, delete = {**place, "permission": "update"}, {**place, "permission": "delete"}
    done = owner.acls.batch_update(add_acls=[update, delete])
    assert [grant.permission for grant in done.added_acls] == ["update", "delete"] and done.removed_acls == []
    swapped = owner.acls.batch_update(add_acls=[update], remove_acls=[delete])
    assert swapped.added_acls == [] and swapped.removed_acls == [done.added_acls[1]]
    assert owner.acls.batch_update(remove_acls=[delete]).removed_acls == []
    assert owner.acls.batch_update().added_acls == []
    refused(owner.acls.batch_update, remove_acls=[update], add_acls=[{**delete, "user_id": team.eve.id}])
    assert viewer.projects.update(project.id, name=f"{project.name}!").name == f"{project.name}!"


def test_grants_of_the_organization_are_a_bare_array(team: Team, owner: Braintrust, project: Project):
    """The client has no method for the path; it has the type."""
    grants = owner.get("/v1/acl/list_org", cast_to=list[ACL])
    assert {grant.object_org_id for grant in grants} == {team.organization["id"]}
    assert {"organization", "project"} <= {grant.object_type for grant in grants}
    query = {"params": {"object_type": "project", "object_id": project.id, "user_id": team.ada.id}}
    [own] = owner.get("/v1/acl/list_org", cast_to=list[ACL], options=query)
    assert own.role_id == role_named(owner, "Owner").id


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"permission": "read"}, "user_id"),
        ({"user_id": "vi", "group_id": "Viewers", "permission": "read"}, "group_id"),
        ({"user_id": "vi"}, "permission"),
        ({"user_id": "vi", "permission": "read", "role_id": "Viewer"}, "role_id"),
        ({"user_id": "vi", "role_id": "Viewer", "restrict_object_type": "dataset"}, "restrict_object_type"),
        ({"user_id": "vi", "permission": "look"}, "permission"),
        ({"user_id": "vi", "permission": "read", "object_type": "thing"}, "object_type"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_grant_gives_one_thing_to_one_principal(
    team: Team, owner: Braintrust, project: Project, wrong: dict, named: str
):
    ids = {
        "vi": team.vi.id,
        "Viewers": group_named(owner, "Viewers").id,
        "Viewer": role_named(owner, "Viewer").id,
    }
    content = {"object_type": "project", "object_id": project.id}
    content |= {member: ids.get(value, value) for member, value in wrong.items()}
    assert named in invalid(owner.acls.create, **content)


def test_nobody_gives_more_than_they_hold(
    team: Team, owner: Braintrust, engineer: Braintrust, project: Project, name: str
):
    """Being let to give is not to be let to give everything (design: access control, section 2, 6)."""
    place = {"object_type": "project", "object_id": project.id}
    own = {**place, "user_id": team.vi.id, "permission": "update", "restrict_object_type": "project"}
    refused(engineer.acls.create, **own)
    owner.acls.create(**place, user_id=team.ed.id, permission="create_acls")
    assert engineer.acls.create(**own).permission == "update"
    for more in ({"permission": "update_acls"}, {"role_id": role_named(owner, "Owner").id}):
        refused(engineer.acls.create, **place, user_id=team.ed.id, **more)
        refused(engineer.acls.batch_update, add_acls=[{**place, "user_id": team.ed.id, **more}])

    # The ways around: to fill a group that holds more, or to fatten a role that was given.
    group = owner.groups.create(name=name)
    owner.acls.create(object_type="group", object_id=group.id, user_id=team.ed.id, permission="update")
    owner.acls.create(**place, group_id=group.id, role_id=role_named(owner, "Owner").id)
    refused(engineer.groups.update, group.id, add_member_users=[team.ed.id])
    role = owner.roles.create(name=name, member_permissions=[{"permission": "read"}])
    owner.acls.create(object_type="role", object_id=role.id, user_id=team.ed.id, permission="update")
    owner.acls.create(**place, user_id=team.ed.id, role_id=role.id)
    refused(engineer.roles.update, role.id, add_member_permissions=[{"permission": "update_acls"}])
    refused(engineer.roles.update, role.id, add_member_roles=[role_named(owner, "Owner").id])
    refused(engineer.acls.create, **place, user_id=team.ed.id, permission="update_acls")


@pytest.mark.parametrize("caller", EVERYBODY[1:], indirect=True)
def test_who_is_no_owner_sees_and_gives_no_grants(team: Team, caller: Braintrust, owner: Braintrust, name: str):
    project = owner.projects.create(name=name)
    grant = owner.acls.create(object_type="project", object_id=project.id, user_id=team.vi.id, permission="read")
    refused(caller.acls.list, object_type="project", object_id=project.id)
    refused(caller.acls.retrieve, grant.id)
    refused(caller.acls.delete, grant.id)
    refused(caller.get, "/v1/acl/list_org", cast_to=list[ACL])
    refused(caller.acls.create, object_type="project", object_id=project.id, user_id=team.vi.id, permission="read")


def test_object_of_a_grant_must_be_there(team: Team, owner: Braintrust):
    for type, id in [
        ("project", UNKNOWN),
        ("group", UNKNOWN),
        ("organization", team.eve.organization_id),
        ("org_project", team.eve.organization_id),
        ("experiment", UNKNOWN),
    ]:
        assert refused(owner.acls.create, object_type=type, object_id=id, user_id=team.vi.id, permission="read") == (
            f"Missing create_acls access to {type} id {id}, or the {type} does not exist"
        )
        assert id in refused(owner.acls.list, object_type=type, object_id=id)


# Projects


@pytest.mark.parametrize("caller", ["owner", "engineer", "service account"], indirect=True)
def test_project_lives_through_all_calls(team: Team, caller: Braintrust, viewer: Braintrust, name: str):
    project = caller.projects.create(name=name)
    assert (project.name, project.org_id, project.deleted_at) == (name, team.organization["id"], None)
    assert project.created is not None and project.settings is None
    assert caller.projects.retrieve(project.id) == viewer.projects.retrieve(project.id) == project
    found = caller.projects.with_raw_response.create(name=name)
    assert found.headers["x-bt-found-existing"] == "true" and found.parse() == project

    changed = caller.projects.update(project.id, name=f"{name}!", settings={"comparison_key": "metadata.case"})
    assert changed.name == f"{name}!" and changed.settings.comparison_key == "metadata.case"
    assert caller.projects.update(project.id).settings.comparison_key == "metadata.case"
    assert [found.id for found in viewer.projects.list(project_name=f"{name}!")] == [project.id]

    for call in (viewer.projects.delete, viewer.projects.update):
        refused(call, project.id)
    deleted = caller.projects.delete(project.id)
    assert deleted.id == project.id and deleted.deleted_at is not None
    assert refused(caller.projects.retrieve, project.id) == (
        f"Missing read access to project id {project.id}, or the project does not exist"
    )
    assert caller.projects.list(project_name=f"{name}!").objects == []
    again = caller.projects.with_raw_response.create(name=f"{name}!")
    assert "x-bt-found-existing" not in again.headers and again.parse().id != project.id


def test_viewer_makes_no_project_and_finds_those_that_are_there(viewer: Braintrust, project: Project, name: str):
    refused(viewer.projects.create, name=f"{name}!")
    assert viewer.projects.create(name=name) == project


def test_projects_are_listed_page_by_page(team: Team, engineer: Braintrust, name: str):
    ids = [engineer.projects.create(name=f"{name} {number}").id for number in range(7)][::-1]
    for limit in (1, 3, 7):
        listed = [found.id for found in engineer.projects.list(limit=limit)]
        assert listed[:7] == ids and len(set(listed)) == len(listed)
    backwards = []
    for page in engineer.projects.list(limit=2, ending_before=ids[-1]).iter_pages():
        backwards = [found.id for found in page.objects] + backwards
    assert backwards == ids[:-1]
    assert [found.id for found in engineer.projects.list(ids=[ids[6], ids[2]])] == [ids[2], ids[6]]
    assert engineer.projects.list(org_name="Globex").objects == []
    with connect(team, team.eve.key) as eve:
        assert not {found.id for found in eve.projects.list()} & set(ids)
        assert refused(eve.projects.retrieve, ids[0]).replace(ids[0], UNKNOWN) == refused(
            eve.projects.retrieve, UNKNOWN
        )


def test_somebody_without_a_group_sees_what_they_were_granted(
    team: Team, owner: Braintrust, project: Project, name: str
):
    """And of the lists that alone, page by page."""
    accounts = {"invite_users": {"service_accounts": [{"name": name, "token_name": "ci"}]}}
    [added] = owner.organizations.members.update(extra_body=accounts).to_dict()["added_users"]
    others = [owner.projects.create(name=f"{name} {number}") for number in range(3)]
    with connect(team, added["api_key"]) as client:
        assert client.projects.list().objects == []
        refused(client.projects.retrieve, project.id)
        for granted in (project, others[1]):
            owner.acls.create(object_type="project", object_id=granted.id, user_id=added["id"], permission="read")
        assert [found.id for found in client.projects.list(limit=1)] == [others[1].id, project.id]
        assert client.projects.retrieve(project.id) == project
        refused(client.projects.retrieve, others[0].id)
        refused(client.projects.update, project.id, name=f"{name}!")


def test_concurrent_creations_of_one_name_make_one_project(team: Team, name: str):
    async def run():
        async with AsyncBraintrust(
            base_url=team.url, api_key=team.ed.key, max_retries=0, _strict_response_validation=True
        ) as client:
            made = await asyncio.gather(*(client.projects.create(name=name) for _ in range(20)))
            assert len({project.id for project in made}) == 1
            assert [project.id async for project in client.projects.list(project_name=name)] == [made[0].id]

    asyncio.run(run())
