// @ts-check
/**
 * The texts of what opens later, in Chinese: see en.js.
 *
 * It must never lack a text that English has.
 */

/** @type {Partial<Record<import("../later.js").LaterId, import("../strings.js").Text>>} */
export default {
  "help.title": "快捷键",
  "help.close": "关闭",

  "export.title": "导出",
  "export.preview": "预览",
  "export.theme": "颜色",
  "export.light": "浅色",
  "export.dark": "深色",
  "export.background": "背景",
  "export.selection": "仅所选内容",
  "export.png": "PNG",
  "export.svg": "SVG",
  "export.json": "JSON",
  "export.copyPicture": "复制图片",
  "export.copySvg": "复制 SVG",
  "export.nothing": "还没有可导出的内容。",
  "export.copied": "已复制",
  "export.cannotCopy": "此浏览器不允许在这里复制，已保存为文件。",
  "export.failed": "未能导出：{reason}",

  "import.done": { other: "已导入 {count} 个笔画" },
  "import.skipped": { other: "已跳过 {count} 个：无法在此显示" },
  "import.failed": "未能导入：{reason}",
  "import.format": "这不是画板文件",
  "import.version": "此文件来自更新的版本",
  "import.empty": "其中没有内容",
  "import.uploading": { other: "正在保存 {count} 张图片…" },
  "import.badPicture": "无法读取此图片",
  "import.tooLarge": "此文件太大",
  "share.title": "分享此画板",
  "share.text": "任何拥有链接的人都可以打开并一起绘制。",
  "share.link": "此画板的链接",
  "share.code": "链接的二维码",
  "share.copy": "复制链接",
  "share.send": "发送…",
  "share.close": "关闭",
  "share.copied": "链接已复制。拥有它的人都可以在这里绘制。",
};
