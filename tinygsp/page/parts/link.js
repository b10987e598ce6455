// --- links that restore the view -------------------------------------------------------------------------------------

// #image=8&class=5&minus=6&epoch=120&kept=399 names the test image by its number in the test set, the class that is
// held, the one taken from it, the epoch of the training, and the run by what is left of it. Any part may be missing.

let linkTimer = 0;

/** Write what is shown into the address once nothing has changed for a moment: browsers limit how often that is done. */
function keepLink() {
  clearTimeout(linkTimer);
  if (!playing) linkTimer = setTimeout(writeLink, 150);
}

/** Write what is shown into the address, without a new entry in the history. */
function writeLink() {
  const parts = [];
  if (shownImage !== null) parts.push(`image=${test.index[shownImage]}`);
  if (held !== null) parts.push(`class=${held}`);
  if (rival !== null) parts.push(`minus=${rival}`);
  if (!isFinished()) parts.push(`epoch=${current.film.epoch[moment]}`);
  if (runs.length > 1) parts.push(`kept=${current.kept}`);
  const hash = parts.join("&");
  if (location.hash.slice(1) !== hash) history.replaceState(null, "", `#${hash}`);
}

/** Show what the address asks for; parts that it does not understand are left out. Returns whether it asks for any. */
function followLink() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const whole = (name, below) => {
    const text = asked.get(name);
    return text !== null && /^\d{1,9}$/.test(text) && Number(text) < below ? Number(text) : null;
  };
  const run = runs.find(run => run.kept === whole("kept", Infinity)) ?? current;
  if (run !== current) showRun(run);
  const epoch = whole("epoch", Infinity), image = test.index.indexOf(whole("image", Infinity) ?? -1);
  held = whole("class", names.length);
  rival = asked.get("minus") === "second" ? "second" : whole("minus", names.length);
  const later = epoch !== null && current.film ? current.film.epoch.findIndex(e => e >= epoch) : -1;
  moment = later < 0 ? current.frames : later;
  if (image >= 0) showImage(image);
  else paint();
  return [...asked].length > 0;
}

addEventListener("hashchange", () => { stopPlaying(); followLink(); });
