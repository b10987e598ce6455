// --- the tour --------------------------------------------------------------------------------------------------------

const tour = byId("tour");
let stop = 0;  // of the tour

const canPlay = () => current.film && !matchMedia("(prefers-reduced-motion: reduce)").matches;
const stops = [
  { at: "network-box", title: "A network, and all that is left of it", act: () => show({ moment: current.frames, held: null, rival: null }),
    text: () => `One end is an image. Small squares mark the ${finishedGraph(current).levels[0].size} pixels that the network reads. Wires ` +
      `lead from them through units, which add up what arrives, to the ${names.length} classes. The class with the highest score wins.` },
  { at: "scores", title: "What the wires say", act: () => show({ moment: current.frames }),
    text: () => "Blue wires add to the score of the winner, dashed orange ones take away; thick ones count more. Press another class, here " +
      "or in the picture, to see what speaks for it." },
  { at: "film", title: "How it came to that", needs: () => current.film, act: () => (canPlay() ? startPlaying() : show({ moment: 0 })),
    text: () => `It began with ${number(data.total)} connections. While it learnt, each had to earn its place, and most did not. Press ` +
      "play, or drag the slider: the curves show how many were left, and how often it was right." },
  { at: "pad", title: "Now you", act: () => { stopPlaying(); show({ moment: current.frames }); },
    text: () => "Clear the field and draw with mouse or finger. The network answers while you draw. If your drawing is unlike anything it " +
      "learnt from, the page says so." },
  { at: "tools", title: "Take it apart", act: () => show({ moment: current.frames }),
    text: () => `Choose Cut, then click wires, units or pixels. ${number(sampleSize)} test images show at once what that costs. You can undo it.` },
];

function showStop(n) {
  stop = n;
  const { at, title, text, act } = stops[n];
  for (const element of document.querySelectorAll(".toured")) element.classList.remove("toured");
  if (n !== 2) stopPlaying();
  act();
  say("tour-title", `${n + 1} of ${stops.length}: ${title}`);
  say("tour-text", text());
  byId("tour-back").disabled = n === 0;
  say("tour-next", n === stops.length - 1 ? "Done" : "Next");
  tour.hidden = false;
  byId(at).classList.add("toured");
  byId(at).scrollIntoView({ block: "center", behavior: "instant" });
  byId("tour-title").focus({ preventScroll: true });
}

/** Go one stop on (1) or back (-1), past those that this page has nothing for; after the last the tour ends. */
function goOn(direction) {
  let n = stop + direction;
  while (stops[n]?.needs && !stops[n].needs()) n += direction;
  if (stops[n]) showStop(n);
  else closeTour();
}

function closeTour() {
  tour.hidden = true;
  for (const element of document.querySelectorAll(".toured")) element.classList.remove("toured");
  byId("tour-button").focus();
}

byId("tour-button").addEventListener("click", () => showStop(0));
byId("tour-next").addEventListener("click", () => goOn(1));
byId("tour-back").addEventListener("click", () => goOn(-1));
byId("tour-close").addEventListener("click", closeTour);
