// @ts-check
/**
 * The texts of what opens later, in Spanish: see en.js.
 *
 * It must never lack a text that English has.
 */

/** @type {Partial<Record<import("../later.js").LaterId, import("../strings.js").Text>>} */
export default {
  "help.title": "Teclas",
  "help.close": "Cerrar",

  "export.title": "Exportar",
  "export.preview": "Vista previa",
  "export.theme": "Colores",
  "export.light": "Claro",
  "export.dark": "Oscuro",
  "export.background": "Fondo",
  "export.selection": "Solo lo seleccionado",
  "export.png": "PNG",
  "export.svg": "SVG",
  "export.json": "JSON",
  "export.copyPicture": "Copiar imagen",
  "export.copySvg": "Copiar SVG",
  "export.nothing": "Todavía no hay nada que exportar.",
  "export.copied": "Copiado",
  "export.cannotCopy": "Este navegador no permite copiar aquí. Se ha guardado como archivo.",
  "export.failed": "No se ha exportado: {reason}",

  "import.done": { one: "{count} trazo importado", many: "{count} de trazos importados", other: "{count} trazos importados" },
  "import.skipped": { one: "Se ha omitido {count}: no se puede mostrar aquí", many: "Se han omitido {count}: no se pueden mostrar aquí", other: "Se han omitido {count}: no se pueden mostrar aquí" },
  "import.failed": "No se ha importado: {reason}",
  "import.format": "no es un archivo de dibujo",
  "import.version": "este archivo es de una versión más nueva",
  "import.empty": "no contiene nada",
  "import.uploading": { one: "Guardando la imagen…", many: "Guardando {count} de imágenes…", other: "Guardando {count} imágenes…" },
  "import.badPicture": "no se puede leer esta imagen",
  "import.tooLarge": "este archivo es demasiado grande",
  "share.title": "Compartir este dibujo",
  "share.text": "Quien tenga el enlace puede abrirlo y dibujar también.",
  "share.link": "Enlace a este dibujo",
  "share.code": "Código QR del enlace",
  "share.copy": "Copiar el enlace",
  "share.send": "Enviar…",
  "share.close": "Cerrar",
  "share.copied": "Enlace copiado. Quien lo tenga puede dibujar aquí.",
};
