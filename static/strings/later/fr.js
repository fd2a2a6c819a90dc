// @ts-check
/**
 * The texts of what opens later, in French: see en.js.
 *
 * It must never lack a text that English has.
 */

/** @type {Partial<Record<import("../later.js").LaterId, import("../strings.js").Text>>} */
export default {
  "help.title": "Touches",
  "help.close": "Fermer",

  "export.title": "Exporter",
  "export.preview": "Aperçu",
  "export.theme": "Couleurs",
  "export.light": "Clair",
  "export.dark": "Sombre",
  "export.background": "Arrière-plan",
  "export.selection": "Seulement la sélection",
  "export.png": "PNG",
  "export.svg": "SVG",
  "export.json": "JSON",
  "export.copyPicture": "Copier l’image",
  "export.copySvg": "Copier le SVG",
  "export.nothing": "Il n’y a encore rien à exporter.",
  "export.copied": "Copié",
  "export.cannotCopy": "Ce navigateur ne permet pas de copier ici. Le contenu a été enregistré dans un fichier.",
  "export.failed": "Non exporté : {reason}",

  "import.done": { one: "{count} trait importé", many: "{count} de traits importés", other: "{count} traits importés" },
  "import.skipped": { one: "{count} ignoré : impossible à afficher ici", many: "{count} ignorés : impossibles à afficher ici", other: "{count} ignorés : impossibles à afficher ici" },
  "import.failed": "Non importé : {reason}",
  "import.format": "ce n’est pas un fichier de dessin",
  "import.version": "ce fichier vient d’une version plus récente",
  "import.empty": "il ne contient rien",
  "import.uploading": { one: "Enregistrement de l’image…", many: "Enregistrement de {count} d’images…", other: "Enregistrement de {count} images…" },
  "import.badPicture": "cette image est illisible",
  "import.tooLarge": "ce fichier est trop grand",
  "share.title": "Partager ce dessin",
  "share.text": "Toute personne qui a le lien peut l’ouvrir et dessiner avec vous.",
  "share.link": "Lien vers ce dessin",
  "share.code": "Code QR du lien",
  "share.copy": "Copier le lien",
  "share.send": "Envoyer…",
  "share.close": "Fermer",
  "share.copied": "Lien copié. Toute personne qui l’a peut dessiner ici.",
};
