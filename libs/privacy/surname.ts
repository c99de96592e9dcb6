/**
 * Surnames of two characters, simplified and traditional. Those that begin many ordinary names of
 * one-character surnames (such as 于 or 东) are in the list only where the pair is a known surname.
 */
export const COMPOUND_SURNAMES: ReadonlySet<string> = new Set(
  `欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳
  公冶 太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙
  壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 梁丘 左丘
  西门 第五 公乘 南荣 东里 即墨 达奚 褚师 纳兰 完颜 尔朱 耶律 贺兰 贺若 斛律 屈突 库狄 乞伏 秃发
  沮渠 哥舒 仆固 石抹 钮祜 爱新 叶赫 富察 佟佳 瓜尔 那拉 赫舍
  歐陽 端木 司馬 東方 獨孤 南宮 聞人 諸葛 尉遲 公羊 赫連 澹臺 濮陽 公孫 仲孫 鍾離 鐘離 長孫 鮮于
  閭丘 子車 巫馬 顓孫 壤駟 樂正 穀梁 夾谷 軒轅 東郭 南門 西門 公乘 南榮 東里 即墨 達奚 褚師 納蘭
  完顏 爾朱 賀蘭 賀若 屈突 庫狄 禿髮 僕固`
    .trim()
    .split(/\s+/),
);
