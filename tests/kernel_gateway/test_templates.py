"""Templates that are built through the SDK: steps, files, tags, a command to start, and what this host refuses."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2b import AsyncTemplate, BuildException, Secret, Template
from e2b.api.client import models
from e2b.exceptions import SecretException, TemplateException
from e2b_code_interpreter import AsyncSandbox, Sandbox, SandboxException

LISTENS = "python -c \"import socket; socket.create_connection(('127.0.0.1', 8123))\""
FILES = {"folder/test.txt": "hello\n", "folder/.hidden": "h\n", "one.py": "print(1)\n"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def name(gateway) -> Iterator[str]:
    name = f"made-{uuid.uuid4().hex[:8]}"
    yield name
    Sandbox.delete_snapshot(name, **gateway.connection)


async def test_what_the_steps_leave_is_in_every_sandbox(gateway, files: Path, name: str) -> None:
    said: list[str] = []
    steps = (
        Template(file_context_path=files)
        .from_base_image()
        .copy("folder/*.txt", "folder")
        .copy("one.py", "app/main.py", mode=0o700)
        .copy("folder", "all")
        .set_envs({"GREETING": "good day"})
        .set_workdir("/home/user/app")
        .run_cmd('echo "$GREETING from $PWD by $(whoami)"; ls -A ../all')
        .run_cmd("whoami > /etc/built-by; mkdir /data; echo 1 > /data/built; rm /usr/bin/cut", user="root")
        .set_start_cmd('python -m http.server 8123 -d "$HOME/app"', LISTENS)
    )
    built = await AsyncTemplate.build(
        steps,
        f"{name}:v1",
        tags=["stable"],
        on_build_logs=lambda entry: said.append(entry.message),
        **gateway.connection,
    )
    assert built.tags == ["v1", "stable"]
    assert "good day from /home/user/app by user" in said
    assert {".hidden", "test.txt"} <= set(said)
    made = await AsyncSandbox.create(f"{name}:stable", timeout=120, **gateway.connection)
    try:
        show = f'stat -c %a app/main.py; cat folder/test.txt; echo "$GREETING"; {LISTENS} && echo up'
        assert (await made.commands.run(show)).stdout == "700\nhello\ngood day\nup\n"
        assert (
            await made.commands.run("cat /etc/built-by /data/built; type cut || echo gone")
        ).stdout == "root\n1\ngone\n"
    finally:
        await made.kill()


def test_a_template_has_tags_and_others_can_begin_with_it(gateway, name: str) -> None:
    Template.build(Template().from_base_image().run_cmd("echo 1 > one"), f"{name}:v1", **gateway.connection)
    assert Template.exists(name, **gateway.connection)
    assert Template.exists("base", **gateway.connection)
    assert not Template.exists("never-built", **gateway.connection)
    info = Template.assign_tags(f"{name}:v1", ["live", f"{name}:latest"], **gateway.connection)
    assert info.tags == ["live", "latest"]
    Template.remove_tags(name, "live", **gateway.connection)
    tags = {tag.tag: tag.build_id for tag in Template.get_tags(name, **gateway.connection)}
    assert tags == {"v1": info.build_id, "latest": info.build_id}
    with pytest.raises(TemplateException, match="no tag 'live'; it has"):
        Template.remove_tags(name, "live", **gateway.connection)
    with pytest.raises(TemplateException, match="no template 'never-built'"):
        Template.get_tags("never-built", **gateway.connection)
    above = Template().from_template(f"{name}:latest").run_cmd("cp one two")
    Template.build(above, f"{name}:v2", **gateway.connection)
    made = Sandbox.create(f"{name}:v2", timeout=120, **gateway.connection)
    try:
        assert made.files.read("two") == "1\n"
    finally:
        made.kill()
    listed = [one.names for one in Sandbox.list_snapshots(**gateway.connection).next_items()]
    assert not any(name in each for names in listed for each in names)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (Template().from_image("ubuntu:22.04"), "no Docker images, and so not 'ubuntu:22.04'"),
        (Template().from_template("never-built"), "never-built"),
        (Template().from_base_image().run_cmd("echo x >> /usr/bin/env"), "can be replaced in a sandbox"),
        (Template().from_base_image().run_cmd("echo no; exit 3"), "exit status 3. no"),
        (Template().from_base_image().pip_install("./none"), "File './none' does not exist"),
        (Template().from_base_image().apt_install("jq"), "with apt-get there: every sandbox sees its /usr"),
        (Template().from_python_image("3.11"), "template build NAME --python 3.11"),
        (Template().from_base_image().run_cmd("true", user="nobody-here"), "invalid username: 'nobody-here'"),
        (
            Template().from_base_image().set_start_cmd("echo no; exit 3", "test -s /tmp/start.status"),
            "exit status 3\nno",
        ),
    ],
)
def test_a_step_that_fails_fails_the_build_and_says_why(gateway, name: str, steps: Any, why: str) -> None:
    with pytest.raises(BuildException) as failed:
        Template.build(steps, name, **gateway.connection)
    assert why in str(failed.value)
    assert not Template.exists(name, **gateway.connection)
    with pytest.raises(SandboxException):
        Sandbox.create(name, timeout=300, **gateway.connection)
    assert not [one for one in Sandbox.list(**gateway.connection).next_items() if one.metadata.get("template") == name]


def test_an_upload_needs_no_header_at_the_address_that_it_is_given(gateway, name: str) -> None:
    own = f"{gateway.url}/templates/{name}/files"
    key = {"X-API-KEY": gateway.key}
    told = httpx.get(f"{own}/{'0' * 64}", headers=key).json()
    assert gateway.key not in str(told)
    assert httpx.put(told["url"], content=b"x").status_code == 200
    assert httpx.get(f"{own}/{'0' * 64}", headers=key).json()["present"] is True
    later = told["url"].replace("until=", "until=1")
    for forged in (told["url"].replace("0" * 64, "1" * 64), told["url"].replace(name, "other"), later):
        assert httpx.put(forged, content=b"x").status_code == 401
    assert httpx.get(told["url"]).status_code == 401
    Template.build(Template().from_base_image().run_cmd("true"), name, **gateway.connection)  # takes the upload with it


def test_templates_are_listed_with_their_builds_and_logs(gateway, name: str) -> None:
    with httpx.Client(base_url=gateway.url, headers={"X-API-KEY": gateway.key}, trust_env=False) as http:
        built = Template.build(Template().from_base_image().run_cmd("echo said"), f"{name}:v1", **gateway.connection)
        listed = {one["templateID"]: one for one in http.get("/templates").json()}
        assert listed[name]["buildID"] == built.build_id
        assert listed[name]["buildStatus"] == "ready"
        assert "base" in listed["code-interpreter-v1"]["aliases"]
        shown = http.get(f"/templates/{name}").json()
        assert [one["buildID"] for one in shown["builds"]] == [built.build_id]
        assert models.TemplateWithBuilds.from_dict(shown).template_id == name  # as the SDK's own client reads it
        assert [models.Template.from_dict(one).template_id for one in listed.values()] == list(listed)
        logs = f"/templates/{name}/builds/{built.build_id}/logs"
        told = [one["message"] for one in http.get(logs).json()["logs"]]
        assert "said" in told
        assert [one["message"] for one in http.get(logs, params={"direction": "backward"}).json()["logs"]] == told[::-1]
        assert http.get("/templates/never-built").status_code == 404
        first = http.get("/v2/templates", params={"limit": 1})
        assert len(first.json()) == 1
        rest = http.get("/v2/templates", params={"nextToken": first.headers["x-next-token"]}).json()
        assert {one["templateID"] for one in [*first.json(), *rest]} == set(listed)


def test_uploads_need_the_key_and_a_hash(gateway) -> None:
    where = f"{gateway.url}/templates/x/files"
    key = {"X-API-KEY": gateway.key}
    assert httpx.put(f"{where}/{'0' * 64}", content=b"x").status_code == 401
    refused = httpx.put(f"{where}/..%2F..%2Fescaped", content=b"x", headers=key)
    assert refused.status_code == 400
    assert "is not the hash of files" in refused.json()["message"]


def test_what_was_uploaded_goes_with_the_build(gateway, files: Path, name: str) -> None:
    Template.build(
        Template(file_context_path=files).from_base_image().copy("one.py", "here"), name, **gateway.connection
    )
    assert list(gateway.home.rglob("*.tar"))
    assert not list(gateway.home.rglob("*.upload"))


def test_what_this_host_has_nothing_for_is_empty_or_refused_with_a_way_out(gateway) -> None:
    here = gateway.connection
    own = {"api_key": gateway.key, "api_url": gateway.url}
    assert Secret.exists("none", **own) is False
    with pytest.raises(SecretException, match="by `envs`"):
        Secret.create("a", "b", **own)
    with pytest.raises(SandboxException, match="Failed to start MCP gateway"):
        Sandbox.create(mcp={"server": {}}, **here)
