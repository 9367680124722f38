"""What every finding on a form says, in the languages of the pages."""

from __future__ import annotations

from collections.abc import Mapping

from engine.base.errors import FieldError
from engine.base.locales import in_language

from .model import Text
from .values import local_minutes


def _text(hans: str, hant: str, english: str) -> Text:
    return {"zh-Hans": hans, "zh-Hant-HK": hant, "en": english}


#: By error code; ``{…}`` are the error's parameters.
CATALOGUE: Mapping[str, Text] = {
    "required": _text("此项必填。", "此欄必須填寫。", "This field is required."),
    "unknown_field": _text(
        "本表单没有这个字段，请刷新页面后重填。",
        "本表格沒有此欄位，請重新載入頁面後再填寫。",
        "The form has no such field; reload the page and fill it in again.",
    ),
    "not_an_object": _text(
        "提交的内容不是表单数据。", "提交的內容並非表格資料。", "What was sent is no form data."
    ),
    "not_text": _text("请填写文字。", "請填寫文字。", "Enter a text."),
    "bad_characters": _text(
        "含有无法保存的控制字符，请删除后重填。",
        "含有無法儲存的控制字元，請刪除後再填寫。",
        "Contains control characters that cannot be stored; remove them.",
    ),
    "too_short": _text(
        "至少填写 {min} 个字符。", "最少填寫 {min} 個字元。", "Enter at least {min} characters."
    ),
    "too_long": _text(
        "最多填写 {max} 个字符。", "最多填寫 {max} 個字元。", "Enter at most {max} characters."
    ),
    "pattern": _text(
        "格式不符，请按提示填写。", "格式不符，請按提示填寫。", "The format does not fit; see the hint."
    ),
    "not_phone": _text(
        "号码格式不正确。手机号如 13812345678，固定电话如 0755-12345678，境外号码如 +852 9123 4567。",
        "號碼格式不正確。手提電話如 13812345678，固網電話如 0755-12345678，境外號碼如 +852 9123 4567。",
        "Not a telephone number. Write a mobile such as 13812345678, a landline such as 0755-12345678, or one of "
        "elsewhere such as +852 9123 4567.",
    ),
    "not_case_number": _text(
        "不是有效的工单编号，请逐位核对，例如 260213-00001-5。",
        "並非有效的個案編號，請逐位核對，例如 260213-00001-5。",
        "Not a case number; compare it digit by digit. One looks like 260213-00001-5.",
    ),
    "no_such_case": _text(
        "没有编号为 {number} 的工单，请核对编号。",
        "沒有編號為 {number} 的個案，請核對編號。",
        "There is no case {number}; check the number.",
    ),
    "case_itself": _text(
        "这是本工单自己的编号，请填写另一张工单的编号。",
        "這是本個案自己的編號，請填寫另一個案的編號。",
        "This is the number of this case itself; give that of the other case.",
    ),
    "several_accounts": _text(
        "有多个账号符合，请填写其中一个账号：{names}。",
        "有多個帳號符合，請填寫其中一個帳號：{names}。",
        "Several accounts fit; write one of them: {names}.",
    ),
    "not_number": _text("请填写数字。", "請填寫數字。", "Enter a number."),
    "not_integer": _text("请填写整数。", "請填寫整數。", "Enter a whole number."),
    "too_small": _text("不能小于 {min}。", "不可小於 {min}。", "Must be {min} or more."),
    "too_large": _text("不能大于 {max}。", "不可大於 {max}。", "Must be {max} or less."),
    "not_above": _text("必须大于 {min}。", "必須大於 {min}。", "Must be more than {min}."),
    "not_below": _text("必须小于 {max}。", "必須小於 {max}。", "Must be less than {max}."),
    "not_money": _text(
        "请填写金额，单位元，最多两位小数，例如 12.50。",
        "請填寫金額，單位為元，最多兩位小數，例如 12.50。",
        "Enter an amount in yuan with at most two decimals, such as 12.50.",
    ),
    "money_too_small": _text("不能少于 {min} 元。", "不可少於 {min} 元。", "Must be {min} yuan or more."),
    "money_too_large": _text("不能超过 {max} 元。", "不可超過 {max} 元。", "Must be {max} yuan or less."),
    "money_not_above": _text("必须多于 {min} 元。", "必須多於 {min} 元。", "Must be more than {min} yuan."),
    "money_not_below": _text("必须少于 {max} 元。", "必須少於 {max} 元。", "Must be less than {max} yuan."),
    "not_option": _text("请从所列选项中选择。", "請從所列選項中選擇。", "Choose one of the options."),
    "not_allowed": _text("不能填写这个值。", "不可填寫此值。", "This value is not allowed."),
    "not_boolean": _text("请选择是或否。", "請選擇是或否。", "Choose yes or no."),
    "must_be_ticked": _text("须先完成此项并勾选。", "須先完成此項並剔選。", "Do this first, then tick it."),
    "not_date": _text(
        "不是有效日期，请写成 2026-02-13。",
        "並非有效日期，請寫成 2026-02-13。",
        "Not a valid date; write it as 2026-02-13.",
    ),
    "not_datetime": _text(
        "不是有效时间，请写成 2026-02-13 16:00。",
        "並非有效時間，請寫成 2026-02-13 16:00。",
        "Not a valid time; write it as 2026-02-13 16:00.",
    ),
    "too_early": _text("不能早于 {bound}。", "不可早於 {bound}。", "Not before {bound}."),
    "too_late": _text("不能晚于 {bound}。", "不可遲於 {bound}。", "Not after {bound}."),
    "not_range": _text(
        "请填写开始和结束时间，例如 09:00 至 12:00。",
        "請填寫開始及結束時間，例如 09:00 至 12:00。",
        "Enter a start and an end time, such as 09:00 to 12:00.",
    ),
    "range_order": _text(
        "开始时间须早于结束时间。", "開始時間須早於結束時間。", "The start must be before the end."
    ),
    "quiet_hours": _text(
        "免打扰时段内不得致电客户，请在 {until} 以后拨打；客户同意夜间来电的除外。",
        "免打擾時段內不得致電客戶，請在 {until} 以後致電；客戶同意夜間來電則除外。",
        "Do not call customers in quiet hours; call from {until} on, unless the customer agreed to calls at night.",
    ),
    "call_before_task": _text(
        "本步骤自 {at} 起才待办，拨打时间不能更早。",
        "本步驟自 {at} 起才待辦，致電時間不可更早。",
        "This step has been open since {at}; the call cannot have been earlier.",
    ),
    "call_too_soon": _text(
        "本次拨打不得早于 {at}：两次拨打须有间隔，并避开免打扰时段。请填写实际拨打的时间。",
        "本次致電不可早於 {at}：兩次致電須有間隔，並避開免打擾時段。請填寫實際致電的時間。",
        "Not before {at}: calls keep a gap and leave out quiet hours. Give the time of the call.",
    ),
    "call_before_promise": _text(
        "客户约定在 {at} 联系，不得提前拨打。请填写实际拨打的时间。",
        "客戶約定於 {at} 聯絡，不可提早致電。請填寫實際致電的時間。",
        "The customer named {at}; this call was not to be made earlier. Give the time of the call.",
    ),
    "too_few": _text("至少填写 {min} 项。", "最少填寫 {min} 項。", "Give at least {min}."),
    "too_many": _text("最多填写 {max} 项。", "最多填寫 {max} 項。", "Give at most {max}."),
    "not_rows": _text("请逐行填写。", "請逐行填寫。", "Fill in row by row."),
    "not_files": _text(
        "附件信息不完整，请重新上传。", "附件資料不完整，請重新上載。", "Upload the files again."
    ),
    "file_type": _text(
        "文件“{name}”的类型不接受，可上传：{allowed}。",
        "檔案「{name}」的類型不獲接納，可上載：{allowed}。",
        "The file “{name}” is of a type not accepted; allowed are {allowed}.",
    ),
    "file_content": _text(
        "文件“{name}”的内容不是 {kind} 格式，请另存为该格式或换一个文件。",
        "檔案「{name}」的內容並非 {kind} 格式，請另存為該格式或換另一個檔案。",
        "The content of the file “{name}” is not {kind}, as its name says; save it as that, or choose another file.",
    ),
    "file_programs": _text(
        "文件“{name}”含有宏程序，不能接收；请另存为不含宏的文件再上传。",
        "檔案「{name}」含有巨集程式，不能接收；請另存為不含巨集的檔案再上載。",
        "The file “{name}” holds programs (macros); save it without them, then choose it again.",
    ),
    "file_too_large": _text(
        "文件“{name}”超过 {max}。", "檔案「{name}」超過 {max}。", "The file “{name}” is larger than {max}."
    ),
    "file_empty": _text("文件“{name}”是空的。", "檔案「{name}」是空白的。", "The file “{name}” is empty."),
    "rule": _text("{message}", "{message}", "{message}"),
}


def message(error: FieldError, locale: str) -> str:
    """What ``error`` says in ``locale``: amounts in yuan, file sizes in MB."""
    values: dict[str, object] = {}
    for name, value in error.parameters.items():
        if isinstance(value, Mapping):
            values[name] = in_language(value, locale)
        elif error.code.startswith("money_") and isinstance(value, int):
            values[name] = f"{value / 100:.2f}"
        elif name == "bound" and isinstance(value, str):
            values[name] = local_minutes(value).replace("T", " ")
        elif error.code == "file_too_large" and isinstance(value, int):
            values[name] = f"{value / 1024 / 1024:g} MB"
        else:
            values[name] = value
    return in_language(CATALOGUE[error.code], locale).format_map(values)
