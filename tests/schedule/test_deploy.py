"""The files in `deploy` are what systemd, cron and Kubernetes take, and say the same."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from microgrid_lib.schedule.cron import check_cron
from microgrid_lib.schedule.load import load_plan

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"


def test_the_example_is_a_schedule_and_the_page_shows_it(tmp_path: Path) -> None:
    plan = load_plan(DEPLOY / "schedule.toml", tmp_path)
    assert {"monthly", "morning", "storage"} == plan.schedule.jobs.keys()
    page = (ROOT / "docs" / "schedule.md").read_text(encoding="utf-8")
    assert (DEPLOY / "schedule.toml").read_text(encoding="utf-8") in page


def test_the_page_explains_every_key_of_a_schedule() -> None:
    from microgrid_lib.delivery.servers import MailServer, Webhook
    from microgrid_lib.schedule.config import AlertRule, Job, Recipient, Schedule

    page = (ROOT / "docs" / "schedule.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([a-z_]+)`", page))
    for model in (Schedule, MailServer, Recipient, Webhook, Job, AlertRule):
        assert set(model.model_fields) <= explained, model.__name__


def documents() -> dict[str, Any]:
    text = (DEPLOY / "kubernetes" / "schedule.yaml").read_text(encoding="utf-8")
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def test_kubernetes_takes_the_manifests() -> None:
    for document in documents().values():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_a_mistake_in_a_manifest_would_be_noticed() -> None:
    for key, value in (("concurencyPolicy", "Forbid"), ("startingDeadlineSeconds", "soon")):
        job = documents()["CronJob"]
        job["spec"][key] = value
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(job, kubernetes_validate.latest_version(), strict=True)


def test_the_cron_job_runs_alone_without_rights_and_with_secrets_from_outside() -> None:
    job = documents()["CronJob"]["spec"]
    check_cron(job["schedule"])
    assert job["concurrencyPolicy"] == "Forbid"
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    for entry in container["env"]:
        if entry["name"].startswith("MICROGRID_SMTP"):
            assert "secretKeyRef" in entry["valueFrom"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    claim = documents()["PersistentVolumeClaim"]["metadata"]["name"]
    assert {"name": "home", "persistentVolumeClaim": {"claimName": claim}} in pod["volumes"]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with a command that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd isn't here")
    for unit in UNITS.iterdir():
        text = unit.read_text(encoding="utf-8")
        text = text.replace("/opt/microgrid/.venv/bin/microgrid", sys.executable)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    return tmp_path


def verify(folder: Path) -> str:
    command = ["systemd-analyze", "verify", *map(str, sorted(folder.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True)
    # A machine's own units may have faults of their own.
    lines = (done.stderr + done.stdout).splitlines()
    return "\n".join(line for line in lines if "microgrid-schedule" in line)


def test_systemd_takes_the_units(installed: Path) -> None:
    assert verify(installed) == ""
    (installed / "microgrid-schedule.timer").write_text("[Timer]\nOnCalendar=never\n")
    assert "never" in verify(installed)


def commands() -> dict[str, list[str]]:
    """The command of each way, as words."""
    service = (UNITS / "microgrid-schedule.service").read_text(encoding="utf-8")
    started = re.search(r"^ExecStart=(.*)$", service, re.MULTILINE)
    assert started is not None
    lines = (DEPLOY / "cron" / "microgrid.crontab").read_text(encoding="utf-8").splitlines()
    (entry,) = [line for line in lines if re.match(r"[*0-9]", line)]
    (container,) = documents()["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "containers"
    ]
    return {
        "systemd": shlex.split(started.group(1)),
        "cron": shlex.split(entry.split(None, 5)[5].partition("2>>")[0]),
        "kubernetes": [*container["command"], *container["args"]],
    }


def test_all_ways_run_the_same_command() -> None:
    for words in commands().values():
        assert Path(words[0]).name == "microgrid"
        assert words[1:4] == ["schedule", "--once", "--json-log"]


def test_all_ways_look_every_five_minutes() -> None:
    timer = (UNITS / "microgrid-schedule.timer").read_text(encoding="utf-8")
    assert "OnCalendar=*:0/5\n" in timer
    assert "Persistent=true\n" in timer
    assert documents()["CronJob"]["spec"]["schedule"] == "*/5 * * * *"
    assert "\n*/5 * * * * " in (DEPLOY / "cron" / "microgrid.crontab").read_text(encoding="utf-8")


def test_no_file_of_deploy_holds_a_secret() -> None:
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?i)password\s*[=:]\s*[^/%\s]", text), path
