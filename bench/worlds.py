"""The vocabularies of made-up tables: what the rows are, and how columns of that trade are called and scaled."""

# ruff: noqa: E501  (a line a trade reads better than a column a line)
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Where a column's numbers lie: centre and spread in the column's unit, and the decimals it is written with."""

    centre: float
    spread: float
    decimals: int


@dataclass(frozen=True)
class World:
    """One trade. `numbers` and `counts` map names to scales, `labels` maps names to their levels."""

    name: str
    key: str
    time: str
    lookup: str
    numbers: dict[str, Scale]
    counts: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]


def _world(name: str, key: str, time: str, lookup: str, numbers: str, counts: str, labels: str) -> World:
    """Read the short form: `name:centre:spread:decimals ...` and `name=level|level ...`."""
    scales = {}
    for word in numbers.split():
        column, centre, spread, decimals = word.split(":")
        scales[column] = Scale(float(centre), float(spread), int(decimals))
    levels = {c: tuple(v.replace("_", " ").split("|")) for c, v in (w.split("=") for w in labels.split())}
    return World(name, key, time, lookup, scales, tuple(counts.split()), levels)


WORLDS = (
    _world(
        "clinic", "patient_no", "admitted_on", "patients",
        "systolic_mmhg:128:15:1 heart_rate:76:11:1 glucose_mmol:6.1:1.1:3 bmi:27.4:4.2:2 wait_min:43:9:2 "
        "haemoglobin:138:13:1 sodium:139.5:2.8:2 stay_hours:61:14:2 temperature:36.9:0.5:3 creatinine:81:16:1 "
        "lung_volume:3.4:0.7:3 pain_score:48:13:2 dose_mg:210:40:1 sleep_hours:7.1:0.9:3 cholesterol:5.2:0.9:3",
        "prior_visits falls prescriptions siblings",
        "ward=north|south|east|west insurer=public|private|none|mutual blood_group=A|B|AB|0 "
        "referral=GP|self|ambulance|transfer smoker=never|former|current shift=early|late|night "
        "physio=weekly|monthly|never clinic_site=Harbour|Hillside|Old_Town|Airport",
    ),
    _world(
        "freight", "consignee", "shipped", "consignees",
        "gross_weight_kg:842:120:1 route_km:412:75:1 fuel_l:96:17:2 transit_h:31:6:2 load_factor:0.71:0.09:4 "
        "loading_min:52:10:2 toll_eur:64:13:2 tyre_bar:8.4:0.4:3 idle_min:37:8:2 avg_speed:63:7:2 "
        "insured_value:15400:2600:0 cargo_m3:41:7:2 axle_load:6.8:0.9:3 driver_hours:8.2:1.1:3 dock_wait:24:5:2",
        "stops pallets damages border_checks",
        "carrier=Boreal|Zephyr|Condor|Mistral|Tramontana depot=Lyon|Gdansk|Porto|Trieste vehicle=van|rigid|artic "
        "hazard=none|class_3|class_8 lane=domestic|export|import cooling=ambient|chilled|frozen "
        "broker=own|Alba|Norte surface=paved|mixed",
    ),
    _world(
        "orchard", "grower_id", "picked", "growers",
        "fruit_mass_g:184:22:2 sugar_brix:12.6:1.3:3 firmness:71:8:2 rain_mm:58:14:2 soil_ph:6.4:0.5:3 "
        "canopy_m2:9.7:1.6:3 yield_t:33:6:3 leaf_n:2.3:0.3:4 sun_hours:212:28:1 irrigation_l:1480:230:0 "
        "trunk_mm:96:15:1 frost_nights:71:12:1 bloom_day:118:6:2 storage_days:88:15:1 acidity:4.1:0.6:3",
        "hives sprays pickers graft_year_gap",
        "cultivar=Elstar|Gala|Boskoop|Topaz|Jonagold rootstock=M9|M26|MM106 slope=flat|gentle|steep "
        "training=spindle|trellis|bush cover=grass|mulch|bare netting=yes|no soil=loam|clay|sand buyer=juice|market|export",
    ),
    _world(
        "grid", "meter", "read_at", "meters",
        "load_kw:318:44:2 voltage:231:2.6:2 outdoor_c:11.8:5.4:2 humidity:64:9:2 wind_ms:6.3:1.7:3 reactive_kvar:71:14:2 "
        "loss_pct:5.7:1.0:3 transformer_c:58:7:2 price_mwh:74:15:2 solar_kw:126:27:2 frequency_dev:19:4.1:3 "
        "battery_pct:61:11:2 tap_position:48:8:2 noise_db:52:5:2 oil_level:83:6:2",
        "switchings alarms inspections outages",
        "feeder=F1|F2|F3|F4 operator=Nordnetz|Elsa|Voltra season_plan=base|peak|reserve cable=oil|XLPE|PVC "
        "tariff=flat|dual|dynamic substation=Aspen|Birch|Cedar|Dogwood insulation=new|aged area=rural|suburban|urban",
    ),
    _world(
        "school", "pupil", "term_start", "pupils",
        "math_points:61:12:1 reading_points:66:11:1 commute_min:23:6:2 screen_h:3.2:0.8:3 attendance_pct:91:3.2:2 "
        "class_size:24.6:2.9:2 homework_h:5.4:1.3:3 essay_words:418:74:1 height_cm:152:9:1 sprint_s:9.1:0.8:3 "
        "library_loans:142:25:1 breakfast_kcal:361:62:1 sleep_min:512:41:1 noise_level:58:6:2 teacher_years:11.5:2.7:2",
        "siblings clubs late_days detentions",
        "form=7a|7b|7c|7d language=Dutch|Turkish|Arabic|Polish bus_line=12|27|44|none lunch=canteen|packed|home "
        "instrument=piano|guitar|drums|none building=main|annex|pavilion sport=swim|judo|football tutor=yes|no",
    ),
    _world(
        "hotel", "guest_ref", "stay_month", "guests",
        "room_rate:134:23:2 lead_days:38:8:2 minibar:21.5:5:2 nps:62:11:2 breakfast_spend:17.8:3.4:2 spa_min:74:14:1 "
        "occupancy:0.74:0.07:4 cleaning_min:31:5:2 water_l:188:29:1 lift_wait_s:42:9:2 wifi_gb:3.9:0.9:3 "
        "floor_area:27.5:4.4:2 towel_kg:4.3:0.8:3 parking_eur:16.2:3.1:2 distance_centre:2.9:0.6:3",
        "nights guests children complaints",
        "board=room_only|half|full|all channel=direct|agency|portal|corporate view=sea|garden|street "
        "bed=single|twin|double country=PT|ES|FR|DE|UK loyalty=none|silver|gold floor_zone=low|mid|high pets=yes|no",
    ),
    _world(
        "foundry", "batch_ref", "cast_date", "batches",
        "pour_temp:1482:19:1 tensile_mpa:418:26:1 porosity:1.9:0.4:4 hardness_hb:207:14:1 cooling_rate:3.6:0.7:3 "
        "carbon_pct:3.31:0.11:4 silicon_pct:2.05:0.14:4 cycle_s:148:18:2 mould_moisture:3.4:0.4:3 vibration:4.8:1.0:3 "
        "power_kwh:612:71:1 slag_kg:27:5.4:2 scrap_kg:44:9:2 line_speed:1.7:0.25:4 dust_mg:12.5:2.6:3",
        "rejects tool_changes stoppages inspections",
        "furnace=Alfa|Bravo|Charlie alloy=GJL200|GJL250|GJS400|GJS500 crew=red|blue|green|white "
        "binder=furan|phenolic|clay supplier=Kessel|Ronda|Ilmen shift=day|swing|night core=yes|no mould=sand|shell|lost_foam",
    ),
    _world(
        "webshop", "shopper", "week_of", "shoppers",
        "page_ms:842:130:1 cart_eur:57:11:2 session_s:318:66:1 scroll_pct:64:11:2 bid_cents:41:8:2 "
        "search_rank:23:5:2 email_opens:148:27:1 margin_pct:27:5:3 stock_cover:34:7:2 image_kb:286:52:1 review_len:214:45:1 "
        "delivery_h:52:11:2 return_cost:6.4:1.3:3 ad_spend:910:170:1 load_index:71:9:2",
        "clicks wishlist chats coupons_seen",
        "browser=Firefox|Safari|Chrome|Edge landing=home|category|product|blog pay_method=card|invoice|wallet|transfer "
        "country=SE|NO|DK|FI|IS campaign_type=brand|generic|retarget os=linux|mac|windows|android newsletter=yes|no "
        "warehouse=Malmo|Turku|Bergen",
    ),
    _world(
        "reef", "site_code", "survey_month", "sites",
        "coral_cover:34:7:2 water_c:26.8:1.2:3 depth_m:14.2:3.1:2 salinity:35.1:0.6:3 turbidity:3.7:0.8:3 "
        "fish_biomass:612:110:1 nitrate:0.52:0.11:4 current_cms:21:5:2 ph:8.06:0.06:4 light_par:312:58:1 urchin_m2:4.8:1.1:3 "
        "chlorophyll:0.44:0.09:4 visibility_m:17:3.4:2 algae_pct:22:5:2 oxygen:6.7:0.6:3",
        "divers turtles sharks anchors",
        "atoll=Nui|Tavi|Oro|Moa zone=lagoon|crest|slope exposure=windward|leeward protection=open|partial|closed "
        "substrate=rock|rubble|sand surveyor=Ana|Ben|Cleo|Dov season=wet|dry boat=Petrel|Gannet|Tern",
    ),
    _world(
        "library_fund", "borrower", "quarter_end", "borrowers",
        "principal:21400:3800:0 rate_pct:5.9:0.8:3 income:43200:6900:0 age_years:44:9:1 util_pct:38:8:2 fico_like:688:42:1 "
        "tenure_months:61:13:1 instalment:402:71:2 savings:8900:1900:0 dti:0.31:0.06:4 appraisal:214000:35000:0 "
        "calls_min:27:6:2 branch_km:6.2:1.4:3 card_spend:1240:230:1 fee_eur:18.4:3.6:2",
        "dependents late_payments cards enquiries",
        "purpose=car|home|study|health employment=salaried|self-employed|retired|student branch=Centro|Norte|Sur|Oeste "
        "product=fixed|float|bullet collateral=yes|no rating_band=A|B|C|D advisor=Kim|Lee|Noor segment_code=S1|S2|S3",
    ),
)  # fmt: skip


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(w.capitalize() for w in rest)


NAME_STYLES: tuple[Callable[[str], str], ...] = (
    str,
    str,
    str,
    lambda name: " ".join(w.capitalize() for w in name.split("_")),
    str.upper,
    _camel,
    lambda name: re.sub("_", ".", name),
)
"""How a table writes its headers; one is chosen per table, plain snake case most often."""
