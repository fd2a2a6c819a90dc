// @ts-check
/**
 * The texts of what opens later, in English: sheets, and what exports and imports.
 *
 * It must never hold a text that a page shows before its person has asked for something.
 */

export default {
  "help.title": "Keys",
  "help.close": "Close",

  "export.title": "Export",
  "export.preview": "Preview",
  "export.theme": "Colours",
  "export.light": "Light",
  "export.dark": "Dark",
  "export.background": "Background",
  "export.selection": "Only what is selected",
  "export.png": "PNG",
  "export.svg": "SVG",
  "export.json": "JSON",
  "export.copyPicture": "Copy picture",
  "export.copySvg": "Copy SVG",
  "export.nothing": "There is nothing to export yet.",
  "export.copied": "Copied",
  "export.cannotCopy": "This browser does not let the page copy here. It was saved as a file.",
  "export.failed": "Not exported: {reason}",

  "import.done": { one: "{count} stroke imported", other: "{count} strokes imported" },
  "import.skipped": { one: "{count} was skipped: it cannot be shown here", other: "{count} were skipped: they cannot be shown here" },
  "import.failed": "Not imported: {reason}",
  "import.format": "this is not a file of a drawing",
  "import.version": "this file was made by a newer version",
  "import.empty": "there is nothing in it",
  "import.uploading": { one: "Storing the picture…", other: "Storing {count} pictures…" },
  "import.badPicture": "this picture cannot be read",
  "import.tooLarge": "this file is too large",
  "share.title": "Share this drawing",
  "share.text": "Anyone who has the link can open it and draw along.",
  "share.link": "Link to this drawing",
  "share.code": "QR code of the link",
  "share.copy": "Copy the link",
  "share.send": "Send…",
  "share.close": "Close",
  "share.copied": "Link copied. Anyone who has it can draw here.",
};
