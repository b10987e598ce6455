"""A page in Chromium: open it, point, draw and press keys as its users do."""

import base64
import os
from pathlib import Path

import numpy as np
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tinygsp.page import Pruned, build

STILL = {"prefers-reduced-motion": "reduce"}  # nothing plays by itself
PICTURES = os.environ.get("TINYGSP_PICTURES")  # a folder that `picture` writes to


class Browser:
    """One page in the browser."""

    def __init__(self, driver, folder):
        self.driver, self.path = driver, folder / "page.html"

    def open(self, network, x, y, width=1200, height=900, wiring=None, others=(), learnt=None, link="", media=STILL):
        """Open the page of a network in a window of this size, by a link that ends in `link`."""
        self.resize(width, height, media)
        pruned = [Pruned(network, wiring), *others]
        self.path.write_text(build(pruned, x, y, learnt), encoding="utf-8")
        return self.follow(link)

    def resize(self, width, height, media=STILL):
        """Give the window a size, and the media features {name: value} that are asked for."""
        features = [{"name": name, "value": value} for name, value in media.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )

    def follow(self, link=""):
        """Open the page anew by a link that ends in `link`, and wait until it is ready."""
        self.driver.get("about:blank")
        self.driver.get(self.path.as_uri() + link)
        self.wait("return Boolean(window.explorer)")
        return self

    def wait(self, script, *arguments):
        """Wait until a script returns something true, and return that."""
        return WebDriverWait(self.driver, 10).until(lambda driver: driver.execute_script(script, *arguments), script)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def picture(self, name):
        """Keep a picture of the window for people to look at, if TINYGSP_PICTURES names a folder."""
        if PICTURES:
            taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {})
            (Path(PICTURES) / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))

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

    def drawn(self, selector):
        """What a canvas shows: (height, width, 4) uint8, red, green, blue and how opaque, in pixels of the window."""
        width, height, data = self.run(
            """const canvas = document.querySelector(arguments[0]), copy = document.createElement("canvas");
            Object.assign(copy, { width: canvas.clientWidth, height: canvas.clientHeight });
            const context = copy.getContext("2d", { willReadFrequently: true });
            context.drawImage(canvas, 0, 0, copy.width, copy.height);
            const { data } = context.getImageData(0, 0, copy.width, copy.height);
            let text = ""; for (const value of data) text += String.fromCharCode(value);
            return [copy.width, copy.height, btoa(text)]""",
            selector,
        )
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)

    def middle(self, selector):
        left, top, width, height = self.box(selector)
        return left + width / 2, top + height / 2

    def hover(self, selector):
        self.point(self.middle(selector), press=False)

    def click(self, selector, kind="mouse"):
        """Press a pointer in the middle of an element, wherever that leads."""
        self.point(self.middle(selector), kind=kind)

    def wire(self, index):
        """A point of the window on a wire of the network shown: the middle of its curve."""
        left, top, _, _ = self.box("#network")
        x0, y0, x1, y1 = self.run("return explorer.wires()[arguments[0]].points", index)
        return left + (x0 + x1) / 2, top + (y0 + y1) / 2
