// @ts-check
/**
 * The texts of what opens later, in German: see en.js.
 *
 * It must never lack a text that English has.
 */

/** @type {Partial<Record<import("../later.js").LaterId, import("../strings.js").Text>>} */
export default {
  "help.title": "Tasten",
  "help.close": "Schließen",

  "export.title": "Exportieren",
  "export.preview": "Vorschau",
  "export.theme": "Farben",
  "export.light": "Hell",
  "export.dark": "Dunkel",
  "export.background": "Hintergrund",
  "export.selection": "Nur die Auswahl",
  "export.png": "PNG",
  "export.svg": "SVG",
  "export.json": "JSON",
  "export.copyPicture": "Bild kopieren",
  "export.copySvg": "SVG kopieren",
  "export.nothing": "Es gibt noch nichts zu exportieren.",
  "export.copied": "Kopiert",
  "export.cannotCopy": "Dieser Browser lässt die Seite hier nicht kopieren. Es wurde als Datei gespeichert.",
  "export.failed": "Nicht exportiert: {reason}",

  "import.done": { one: "{count} Strich importiert", other: "{count} Striche importiert" },
  "import.skipped": { one: "{count} wurde ausgelassen: Es lässt sich hier nicht zeigen", other: "{count} wurden ausgelassen: Sie lassen sich hier nicht zeigen" },
  "import.failed": "Nicht importiert: {reason}",
  "import.format": "das ist keine Datei einer Zeichnung",
  "import.version": "diese Datei stammt von einer neueren Version",
  "import.empty": "es ist nichts darin",
  "import.uploading": { one: "Bild wird gespeichert…", other: "{count} Bilder werden gespeichert…" },
  "import.badPicture": "dieses Bild ist nicht lesbar",
  "import.tooLarge": "diese Datei ist zu groß",
  "share.title": "Diese Zeichnung teilen",
  "share.text": "Wer den Link hat, kann sie öffnen und mitzeichnen.",
  "share.link": "Link zu dieser Zeichnung",
  "share.code": "QR-Code des Links",
  "share.copy": "Link kopieren",
  "share.send": "Senden…",
  "share.close": "Schließen",
  "share.copied": "Link kopiert. Wer ihn hat, kann hier mitzeichnen.",
};
