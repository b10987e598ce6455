"""A page in Chromium: open it, point, draw and press keys as its users do."""

from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tinygsp.page import build


class Browser:
    """One page in the browser."""

    def __init__(self, driver, folder):
        self.driver, self.path = driver, folder / "page.html"

    def open(self, network, x, y, width=1200, height=900, media=()):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": list(media)})
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        self.path.write_text(build(network, x, y), encoding="utf-8")
        self.driver.get(self.path.as_uri())
        return self

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def answer(self):
        return self.run("return explorer.answer()")

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.find(selector).get_property("textContent")

    def see(self, selector, text):
        """Wait until an element shows this text."""
        WebDriverWait(self.driver, 5).until(lambda _: text in self.text(selector), f"no {text!r} in {selector}")

    def press(self, *keys):
        """Press keys, to whatever has the focus."""
        for key in keys:
            builder = ActionBuilder(self.driver)
            builder.key_action.send_keys(key)
            builder.perform()

    def box(self, selector):
        """Left, top, width and height in the window; the element is scrolled into view."""
        return self.run(
            """const element = document.querySelector(arguments[0]);
            element.scrollIntoView({block: "center"});
            const box = element.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]""",
            selector,
        )

    def point(self, *points, kind="mouse", press=True):
        """Lead a pointer over points (x, y) of the window, pressed from the first to the last."""
        builder = ActionBuilder(self.driver, mouse=PointerInput(kind, kind), duration=0)
        for i, (x, y) in enumerate(points):
            builder.pointer_action.move_to_location(int(x), int(y))
            if press and i == 0:
                builder.pointer_action.pointer_down()
        if press:
            builder.pointer_action.pointer_up()
        builder.perform()

    def stroke(self, *points, kind="mouse"):
        """Draw a stroke over points in units of the pad's width. Returns them as the page gets them."""
        left, top, width, _ = self.box("#pad")
        points = [(int(left + width * x), int(top + width * y)) for x, y in points]
        self.point(*points, kind=kind)
        return [((x - left) / width, (y - top) / width) for x, y in points]

    def hover(self, selector):
        left, top, width, height = self.box(selector)
        self.point((left + width / 2, top + height / 2), press=False)
