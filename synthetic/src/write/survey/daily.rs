//! D rows: 診療明細 of what DPC bundles, 30 columns (formats.md, 9.4). #29 is the classification.

use crate::calendar::{compact, days_between};
use crate::facilities::Facility;
use crate::records::{Bundled, Stay};

/// The first row of the file.
pub(super) const TITLE: &str = "施設コード\tデータ識別番号\t退院年月日\t入院年月日\tデータ区分\t順序番号\t病院点数マスタコード\t\
    レセプト電算コード\t解釈番号\t診療行為名称\t行為点数\t行為薬剤料\t行為材料料\t円・点区分\t行為回数\t保険者番号\t\
    レセプト種別コード\t実施年月日\tレセプト科区分\t診療科区分\t医師コード\t病棟コード\t病棟区分\t入外区分\t施設タイプ\t\
    算定開始日\t算定終了日\t算定起算日\t分類番号\t医療機関係数\r\n";

/// Every month's bundled payment, data class 93.
pub(super) fn rows(stay: &Stay, head: &str, insurer: &str, facility: &Facility) -> String {
    stay.bundled.iter().enumerate().map(|(at, one)| row(stay, head, (at + 1, one), insurer, facility)).collect()
}

fn row(stay: &Stay, head: &str, (number, one): (usize, &Bundled), insurer: &str, facility: &Facility) -> String {
    let days = days_between(one.from, one.to) + 1;
    let (from, to) = (compact(one.from), compact(one.to));
    format!(
        "{head}\t93\t{number:04}\tLD{number:06}\t\t\tＤＰＣ包括評価\t{:08}\t00000000\t00000000\t0\t{days:03}\t\
         {insurer:>8}\t{}\t{from}\t01\t010\tD000000001\tW01\t0\t0\t\t{from}\t{to}\t{}\t{}\t{}\r\n",
        one.points_a_day,
        stay.receipt_type,
        compact(stay.admitted_on),
        stay.dpc,
        factor(facility),
    )
}

/// 医療機関係数: a hospital's own, 1.2000 to 1.5999.
fn factor(facility: &Facility) -> String {
    let spread = facility.code.bytes().fold(7, |state, byte| crate::random::mix(state ^ u64::from(byte))) % 4_000;
    format!("1.{:04}", 2_000 + spread)
}
