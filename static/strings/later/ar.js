// @ts-check
/**
 * The texts of what opens later, in Arabic: see en.js.
 *
 * It must never lack a text that English has.
 */

/** @type {Partial<Record<import("../later.js").LaterId, import("../strings.js").Text>>} */
export default {
  "help.title": "المفاتيح",
  "help.close": "إغلاق",

  "export.title": "تصدير",
  "export.preview": "معاينة",
  "export.theme": "الألوان",
  "export.light": "فاتح",
  "export.dark": "داكن",
  "export.background": "الخلفية",
  "export.selection": "المحدد فقط",
  "export.png": "PNG",
  "export.svg": "SVG",
  "export.json": "JSON",
  "export.copyPicture": "نسخ الصورة",
  "export.copySvg": "نسخ SVG",
  "export.nothing": "لا يوجد ما يُصدَّر بعد.",
  "export.copied": "تم النسخ",
  "export.cannotCopy": "لا يسمح هذا المتصفح بالنسخ هنا. حُفظ كملف.",
  "export.failed": "لم يُصدَّر: {reason}",

  "import.done": { zero: "لم يُستورد أي رسم", one: "استُورد رسم واحد", two: "استُورد رسمان", few: "استُوردت {count} رسوم", many: "استُورد {count} رسمًا", other: "استُورد {count} رسم" },
  "import.skipped": { zero: "لم يُتجاوز شيء", one: "تُجووز عنصر واحد: لا يمكن عرضه هنا", two: "تُجووز عنصران: لا يمكن عرضهما هنا", few: "تُجووزت {count} عناصر: لا يمكن عرضها هنا", many: "تُجووز {count} عنصرًا: لا يمكن عرضها هنا", other: "تُجووز {count} عنصر: لا يمكن عرضها هنا" },
  "import.failed": "لم يُستورد: {reason}",
  "import.format": "ليس هذا ملف رسم",
  "import.version": "أُنشئ هذا الملف بإصدار أحدث",
  "import.empty": "لا شيء فيه",
  "import.uploading": { zero: "لا صور للحفظ", one: "يجري حفظ الصورة…", two: "يجري حفظ صورتين…", few: "يجري حفظ {count} صور…", many: "يجري حفظ {count} صورة…", other: "يجري حفظ {count} صورة…" },
  "import.badPicture": "تتعذر قراءة هذه الصورة",
  "import.tooLarge": "هذا الملف كبير جدًا",
  "share.title": "مشاركة هذه اللوحة",
  "share.text": "يمكن لكل من لديه الرابط أن يفتحها ويرسم معك.",
  "share.link": "رابط هذه اللوحة",
  "share.code": "رمز QR للرابط",
  "share.copy": "نسخ الرابط",
  "share.send": "إرسال…",
  "share.close": "إغلاق",
  "share.copied": "نُسخ الرابط. يمكن لكل من لديه أن يرسم هنا.",
};
