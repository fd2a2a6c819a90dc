// @ts-check
/**
 * The texts of what opens later, in Portuguese: see en.js.
 *
 * It must never lack a text that English has.
 */

/** @type {Partial<Record<import("../later.js").LaterId, import("../strings.js").Text>>} */
export default {
  "help.title": "Teclas",
  "help.close": "Fechar",

  "export.title": "Exportar",
  "export.preview": "Prévia",
  "export.theme": "Cores",
  "export.light": "Claro",
  "export.dark": "Escuro",
  "export.background": "Fundo",
  "export.selection": "Só o que está selecionado",
  "export.png": "PNG",
  "export.svg": "SVG",
  "export.json": "JSON",
  "export.copyPicture": "Copiar imagem",
  "export.copySvg": "Copiar SVG",
  "export.nothing": "Ainda não há nada para exportar.",
  "export.copied": "Copiado",
  "export.cannotCopy": "Este navegador não permite copiar aqui. Foi salvo como arquivo.",
  "export.failed": "Não exportado: {reason}",

  "import.done": { one: "{count} traço importado", many: "{count} de traços importados", other: "{count} traços importados" },
  "import.skipped": { one: "{count} foi ignorado: não pode ser mostrado aqui", many: "{count} foram ignorados: não podem ser mostrados aqui", other: "{count} foram ignorados: não podem ser mostrados aqui" },
  "import.failed": "Não importado: {reason}",
  "import.format": "não é um arquivo de desenho",
  "import.version": "este arquivo é de uma versão mais nova",
  "import.empty": "não contém nada",
  "import.uploading": { one: "Salvando a imagem…", many: "Salvando {count} de imagens…", other: "Salvando {count} imagens…" },
  "import.badPicture": "não é possível ler esta imagem",
  "import.tooLarge": "este arquivo é grande demais",
  "share.title": "Compartilhar este desenho",
  "share.text": "Quem tiver o link pode abrir e desenhar junto.",
  "share.link": "Link deste desenho",
  "share.code": "Código QR do link",
  "share.copy": "Copiar o link",
  "share.send": "Enviar…",
  "share.close": "Fechar",
  "share.copied": "Link copiado. Quem o tiver pode desenhar aqui.",
};
