"""The words around an answer in the languages that are read: nouns for "answer", words that conclude, units."""

from __future__ import annotations

import re

# What may stand for "the answer", wherever it stands in a line.
_KEYWORD_LIST = """
    answer Answer ANSWER 答案 答え 答： 答: ответ Ответ ОТВЕТ respuesta Respuesta réponse Réponse antwort Antwort
    resposta Resposta risposta Risposta 정답 답은 답: cevap Cevap odpowied Odpowied उत्तर الجواب الإجابة jawaban
    Jawaban antwoord
"""
KEYWORDS = (*_KEYWORD_LIST.split(), "đáp án", "Đáp án", "đáp số", "Đáp số")
NOUN = (
    r"(?:(?:answer|ANSWER|Answer)(?:s|\(s\)|S)?|答案|答え|答(?=[：:])|(?:[оО]твет|ОТВЕТ)(?:ом)?|[rR]espuesta|[rR]éponse"
    r"|[aA]ntwort"
    r"|[rR]esposta|[rR]isposta|정답|답|[cC]evap(?:ı|ımız)?|[oO]dpowied(?:ź|zią|z)|उत्तर|الجواب|الإجابة|[jJ]awaban"
    r"|[aA]ntwoord|[đĐ]áp (?:án|số))"
)
IS = (
    r"(?:(?<=：)|:|：|=|\b(?:is|IS|are|would be|should be|must be|equals|comes to|es|est|ist|lautet|é|è|adalah|jest"
    r"|(?<=[oO]dpowiedź )to|brzmi"
    r"|là|olarak)\b|是|应为|应是|为|為|は|은|는|이|это|(?:будет|равен)|है|هو|هي|[-–—])"
)
# Languages whose verb ends the sentence, so that the value follows its noun at once.
VERB_LAST = r"(?:उत्तर|[cC]evap(?:ı|ımız)?)[ \t]*[:：]?[ \t]*(?:है[ \t]+)?(?=[$\\(\d\-−०-९]|[A-J]\b)"

_LABELS = r"""
    (?:(?:the|my|our|final|correct|overall|numerical) )*(?:answers?|ans|result)
    |ответ|результат|respuesta(?: final)?|resultado(?: final)?|solución|réponse(?: finale)?|résultat(?: final)?
    |antwort|ergebnis|endergebnis|resposta(?: final)?|risposta(?: finale)?|risultato|(?:最终)?答案|最终结果|结果|答
    |正解|(?:最終)?(?:的な)?答え|結果|정답|답|결과|cevap|sonuç|odpowiedź|wynik|उत्तर|परिणाम|الجواب
    |الإجابة(?: النهائية)?|النتيجة|الناتج|đáp án|đáp số|kết quả|trả lời
"""
STRONG_LABEL = "".join(line.strip() for line in _LABELS.splitlines())
# They announce an answer only where they start the last line.
WEAK_LABEL = (
    r"solution|total|sum|conclusion|output|lösung|conclusión|solução|soluzione|решение|итого|всего|合计|総計|summe|somme"
    r"|suma|toplam"
)

# A sentence that starts with one of them concludes.
CONCLUDES_EN = (
    r"(?:and )?(?:therefore|thus|hence|so|finally|consequently|accordingly|as a result|in conclusion|in total"
    r"|altogether|overall"
    r"|in all|in summary|to sum up|this means|this gives(?: us)?|we (?:get|obtain|conclude|find)(?: that)?"
    r"|it follows)\b"
)
CONCLUDES_OTHER = re.compile(
    r"[\s*_>]*(?:因此|所以|综上|综合|故|从而|于是|答[:：]|可得|即|共|一共|总共|总计|則|则|したがって|従って|よって|ゆえに|故に|つまり|以上より|そのため|合計|答えは"
    r"|결과적으로|따라서|그러므로|그래서|즉|결국|총|إذن|إذًا|إذا|لذلك|وبالتالي|بالتالي|ومنه|وعليه|لذا|مما سبق"
    r"|अतः|इसलिए|इस प्रकार|अत:|तो"
    r"|(?:таким образом|следовательно|итак|значит|поэтому|отсюда|получаем|в итоге|всего|тогда"
    r"|por lo tanto|por tanto|por consiguiente|entonces|luego|así(?: que|,| pues)|en total|en conclusión"
    r"|finalmente|de modo que|es decir"
    r"|donc|ainsi|par conséquent|au total|finalement|on (?:obtient|conclut|trouve|en déduit)|d'où|il faut donc"
    r"|en conclusion"
    r"|also|daher|somit|folglich|deshalb|damit|insgesamt|demnach|schließlich|folgt|daraus|deswegen|es ergibt sich"
    r"|portanto|logo|assim|então|por isso|em total|no total|ao todo|consequentemente"
    r"|quindi|pertanto|dunque|perciò|in totale|in conclusione|allora|di conseguenza|infine"
    r"|vậy|do đó|vì vậy|vì thế|suy ra|như vậy|nên|tóm lại"
    r"|bu nedenle|bu yüzden|dolayısıyla|sonuç olarak|yani|o halde|öyleyse|böylece|toplamda|demek ki"
    r"|zatem|więc|dlatego|stąd|ostatecznie|łącznie|razem|w sumie|a więc|czyli|wobec tego)(?![a-zà-ÿ]))",
    re.IGNORECASE,
)
# "is" before the last value of a sentence without such a word.
COPULA_OTHER = re.compile(
    r"(?:是|为|為|等于|=|は|が|은|는|هو|هي|يساوي|\b(?:es|son|est|sont|ist|sind|beträgt|betragen|é|são|è|sono|là|bằng|jest"
    r"|wynosi|равен|равна"
    r"|равно|составляет|это|lautet|vaut|vale|mide|cuesta|fa|eşittir)\b|—|–)(?:\s*(?:de|da|di|igual a|égale? à"
    r"|uguale a|gleich|also|somit|daher|donc|quindi|dunque|logo|portanto|por tanto|entonces))?[\s$\\(*]*$",
    re.IGNORECASE,
)
# Nothing is concluded in a sentence with one of them.
HEDGES = re.compile(
    r"\b(?:(?:want|wants|in order) to|cannot|can't|can’t|could(?:n't)?|unable|unsure|sorry|[Mm]aybe|[Pp]erhaps"
    r"|might|I(?:'m|’m|'ll|’ll| am| don| do| hope| think"
    r"| guess| would| will| need| can| was| have|)|[Ll]et(?:'s|’s| us| me| )|(?:we|you|one|they|We|You) (?:must"
    r"|should|will|would"
    r"|could|can|want|may|might|need)|should|[Pp]lease|[Ss]uppose|[Aa]ssume|not enough|missing|provide|unknown|help"
    r"|guess|[Ll]eider"
    r"|nicht|[Ll]o siento|[Nn]o (?:puedo|sé)|[Dd]ésolé|ne (?:peux|sais|peut)|n'ai|[Nn]on (?:posso|so)|[Dd]esculpe"
    r"|[Nn]ão (?:sei|posso|consigo)"
    r"|[Нн]е (?:могу|знаю|удалось)|[Ии]звините|[Kk]hông (?:thể|biết)|[Xx]in lỗi|[Bb]ilmiyorum|[Üü]zgünüm"
    r"|[Nn]ie (?:wiem|mogę))\b"
    r"|不知道|无法|無法|抱歉|不能|不确定|先|再|我们需要|分からない|わかりません"
    r"|できません|申し訳|모르|죄송|수 없|لا أعرف|لا أستطيع|عذرا|नहीं|माफ"
)
IMPERATIVE = re.compile(
    r"[\s*_>#]*(?:find|compute|calculate|solve|determine|evaluate|simplify|prove|show|what|how|which|why|when"
    r"|where|who|let|consider|note"
    r"|see|recall|remember|check|verify|first|next|then|now|step|given|if|use|using|write|express|draw|choose|give"
    r"|state|since|because|here|try"
    r"|question|problem|q|example|input|encuentra|calcula|trouve[rz]?|berechne|找|求|计算|请|求め|найдите|вычислите|tìm"
    r"|tính)\b(?!,? so)",
    re.IGNORECASE,
)

# What follows the value in other languages: copulas, then counters and units.
_COPULAS = re.compile(
    r"\s*(?:です|でした|である|であった|となります|となる|になります|になる|だ|입니다|이다|이에요|예요|됩니다|이 된다"
    r"|है|हैं|होगा|होगी|होंगे|होती है"
    r"|होता है|['’]?(?:tür|tur|tır|tir|dür|dur|dır|dir)|olur|eder|eşittir)?\s*[。．.।!！]?\s*$"
)
_UNITS = {
    "%": "процентов процента процент 퍼센트 パーセント प्रतिशत prozent phần",
    " dollars": "dólares dólar dollars dollar доллара долларов доллар 美元 ドル 달러 dollari dolarów dolary dolar đô",
    " euros": "euro euros евро 欧元 ユーロ 유로",
    " rubles": "рублей рубля рубль",
    " yuan": "元 块",
    " yen": "円",
    " won": "원",
    " cm": "см сантиметров сантиметра 厘米 センチ 센티미터 zentimeter centímetros centimètres centimetri",
    " cm^2": "см² см2 平方厘米 cm²",
    " m": "м метров метра 米 メートル 미터 meter metros mètres metri metrów mét",
    " m^2": "м² м2 平方米 m²",
    " cm^3": "см³ 立方厘米",
    " m^3": "м³ 立方米",
    " km": "км километров километра 千米 公里 キロメートル 킬로미터 kilometer kilómetros kilomètres chilometri",
    " kg": "кг килограммов 千克 公斤 キログラム kilogramm kilogramos kilogrammes quilos chili",
    " g": "г граммов 克 グラム",
    " L": "л литров 升 リットル",
    " hours": "часов часа час 小时 時間 시간 stunden horas heures ore godzin godziny saat giờ",
    " minutes": "минут минуты 分钟 分 분 minuten minutos minuti minut dakika phút",
    " seconds": "секунд секунды 秒 초 sekunden segundos secondes secondi sekund saniye giây",
    " days": "дней дня 天 日 일 tage días jours dias giorni dni gün ngày",
    "^\\circ": "度 градусов градуса grad",
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_VALUE_WORDS = re.compile(
    r"(?P<value>[-−+]?(?:\$[^$]{1,200}\$|\\\(.{1,200}?\\\)|[€£$¥]?\d[\d.,  /:]*(?<![.,  /:])(?:\s?\\?%)?)"
    r"(?:\s?(?:cm|km|m|kg)[²³])?)(?P<words>\s*[^\W\d_$\\][^\d$\\=<>^_{}]{0,60}|)"
)


def localised(statement: str, word: str) -> str:
    """A value as it stands in a sentence of another language: its counter or noun goes, a unit gets its usual name.

    `word` announced the value.
    """
    bare = _COPULAS.sub("", statement.rstrip("*_ ")) or statement
    letter = _LETTER.fullmatch(bare.strip())
    if letter:
        return letter[1]
    found = _VALUE_WORDS.fullmatch(bare.strip()) or _sentence_value(bare)
    if found is None:
        return bare
    words = found["words"].strip().strip(".。").lower()
    value = found["value"]
    return f"{value}{_unit_named(words)}"


_LETTER = re.compile(r"(?:\w{1,8} ){0,2}\(?([A-J])\)?")
_ONE_VALUE = re.compile(r"[-−]?(?:\$[^$]{1,200}\$|\\\(.{1,200}?\\\)|[€£$¥]?\d[\d.,/:]*(?<![.,/:]))")


def _sentence_value(statement: str) -> re.Match[str] | None:
    """The only value of a statement that is a sentence ("小明还剩12元"), with the words behind it."""
    values = list(_ONE_VALUE.finditer(statement))
    if len(values) != 1 or not re.search(r"[^\W\d_]{2}", statement[: values[0].start()]) or "=" in statement:
        return None
    return _VALUE_WORDS.fullmatch(statement, values[0].start())


def _unit_named(words: str) -> str:
    """The usual name of the unit that the words start with; "" for other nouns, which only say what was counted."""
    first = words.split()[0].strip(",;") if words.split() else ""
    unit = _UNIT_OF.get(words) or _UNIT_OF.get(first)
    if unit is None and first and not first.isascii():
        unit = next((u for w, u in _UNIT_OF.items() if len(w) > 1 and not w.isascii() and words.startswith(w)), None)
    return unit or ""
