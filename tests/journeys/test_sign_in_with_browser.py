"""A student signs in with a real browser: the app's page, the provider's page, a call, a refresh, and sign-out."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from config.local import debian, folders, postgres, redis
from config.local.stack import LocalStack
from tests.patience import HANG_S, patient_s
from tests.stand_ins.browser_app import BrowserApp
from tests.stand_ins.openid_provider import OpenIdProvider

# A few seconds, so that a token expires during the test.
_LIFE_MINUTES = str(patient_s(0.2))
_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=900,700",
)


@pytest.fixture(scope="module")
def chromium() -> tuple[str, str]:
    """The browser and its driver from Debian's packages."""
    if shutil.which("chromedriver") is None and debian.can_install():
        debian.install("chromium-driver")
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        pytest.skip("Chromium and its driver are not installed, and only root can install them.")
    return programs


@pytest.fixture
def driver(chromium: tuple[str, str], tmp_path: Path) -> Iterator[Chrome]:
    """A browser with a fresh profile."""
    options = ChromeOptions()
    options.binary_location = chromium[0]
    for switch in (*_SWITCHES, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(switch)
    browser = Chrome(options=options, service=Service(chromium[1]))
    yield browser
    browser.quit()


def test_sign_in_call_refresh_and_sign_out(
    servers: dict[str, str], driver: Chrome, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    port = folders.free_port()
    worker = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    broker = servers["redis"].rsplit("/", 1)[0] + f"/{int(worker.removeprefix('gw')) % 16}"
    with OpenIdProvider() as provider, BrowserApp() as app:
        offered = {"name": "university", "title": "University", "issuer": provider.url}
        secrets = {"client_id": provider.client_id, "client_secret": provider.client_secret}
        settings = {
            "PUBLIC_URL": f"http://localhost:{port}",
            "FRONTEND_URL": app.url,
            "OIDC_PROVIDERS": json.dumps([offered | secrets]),
            "ACCESS_TOKEN_MINUTES": _LIFE_MINUTES,
            "LOG_LEVEL": "INFO",
        }
        app.sign_in_at(f"http://localhost:{port}/api/v1", "university")
        stack = LocalStack(
            port=port,
            workers=0,
            sweeper=False,
            env=settings,
            logs=tmp_path / "logs",
            postgres=postgres.GivenPostgres(servers["postgres"]),
            redis=redis.GivenRedis(broker),
        )
        with stack:
            visit(driver, app, tmp_path)
        check_logs(tmp_path / "logs")


def visit(driver: Chrome, app: BrowserApp, shots: Path) -> None:
    """Walk through the journey, with a screenshot of each step."""
    wait = WebDriverWait(driver, HANG_S)

    def press(name: str) -> None:
        driver.find_element(By.ID, name).click()

    def log() -> list[str]:
        return [line.text for line in driver.find_elements(By.CSS_SELECTOR, "#log li")]

    def until_logged(*lines: str) -> None:
        wait.until(lambda _: log()[-len(lines) :] == list(lines), message=f"{lines} after {log()}")

    driver.get(app.url)
    press("call")
    until_logged("call 401 not_signed_in")
    driver.save_screenshot(str(shots / "1-app.png"))
    press("sign-in")
    wait.until(lambda browser: browser.title == "University")
    driver.save_screenshot(str(shots / "2-provider.png"))
    driver.find_element(By.CSS_SELECTOR, "button[value=anna]").click()
    wait.until(lambda browser: browser.title == "Study app")
    until_logged("token 200", "call 200 0 study sets")
    assert driver.current_url == f"{app.url}/library"
    driver.save_screenshot(str(shots / "3-signed-in.png"))
    # The page's scripts cannot read our cookies.
    assert driver.execute_script("return document.cookie") == ""

    def expired(_: Chrome) -> bool:
        lines = len(log())
        press("call")
        wait.until(lambda _: len(log()) > lines)
        return log()[-1] == "call 401 not_signed_in"

    wait.until(expired)
    press("refresh")
    until_logged("refresh 200")
    press("call")
    until_logged("refresh 200", "call 200 0 study sets")
    driver.save_screenshot(str(shots / "4-refreshed.png"))
    press("sign-out")
    until_logged("sign out 204")
    press("refresh")
    until_logged("sign out 204", "refresh 401 session_ended")
    press("call")
    until_logged("refresh 401 session_ended", "call 401 not_signed_in")
    assert driver.find_element(By.ID, "state").text == "signed out"
    driver.save_screenshot(str(shots / "5-signed-out.png"))


def check_logs(folder: Path) -> None:
    """Check that the logs cover the journey without a code, a token or an address."""
    text = "".join(log.read_text() for log in folder.glob("api*"))
    assert "/api/v1/auth/callback/university" in text
    for secret in ("code=", "state=", "eyJ", "anna@uni.example"):
        assert secret not in text
