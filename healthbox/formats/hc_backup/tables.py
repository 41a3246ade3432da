"""Health Connect's tables: which column holds what, in which unit, and what its codes mean.

The codes are those of the Android platform, which the database holds; the app library's (``hc_words``) differ for exercises: 33 is
running here and 56 there.
"""

# table without "_record_table" → (metric, column, unit)
VALUES = {
    "steps": ("steps", "count", "count"),
    "distance": ("distance_walking_running", "distance", "m"),
    "active_calories_burned": ("active_energy", "energy", "cal"),
    "total_calories_burned": ("total_energy", "energy", "cal"),
    "hydration": ("dietary_water", "volume", "L"),
    "floors_climbed": ("flights_climbed", "floors", "count"),
    "elevation_gained": ("elevation_gained", "elevation", "m"),
    "wheelchair_pushes": ("push_count", "count", "count"),
    "weight": ("weight", "weight", "g"),
    "height": ("height", "height", "m"),
    "body_fat": ("body_fat", "percentage", "%"),
    "lean_body_mass": ("lean_body_mass", "mass", "g"),
    "bone_mass": ("bone_mass", "mass", "g"),
    "body_water_mass": ("body_water_mass", "body_water_mass", "g"),
    "basal_metabolic_rate": ("basal_metabolic_rate", "basal_metabolic_rate", "W"),
    "resting_heart_rate": ("resting_heart_rate", "beats_per_minute", "count/min"),
    "heart_rate_variability_rmssd": ("hrv_rmssd", "heart_rate_variability_millis", "ms"),
    "oxygen_saturation": ("oxygen_saturation", "percentage", "%"),
    "respiratory_rate": ("respiratory_rate", "rate", "count/min"),
    "vo2_max": ("vo2_max", "vo2_milliliters_per_minute_kilogram", "mL/kg/min"),
    "body_temperature": ("body_temperature", "temperature", "degC"),
    "basal_body_temperature": ("basal_body_temperature", "temperature", "degC"),
    "blood_glucose": ("blood_glucose", "level", "mmol/L"),
}
# metric → (parent table, table of its points, column, unit)
SERIES = {
    "heart_rate": ("heart_rate_record_table", "heart_rate_record_series_table", "beats_per_minute", "count/min"),
    "speed": ("SpeedRecordTable", "speed_record_table", "speed", "m/s"),
    "power": ("PowerRecordTable", "power_record_table", "power", "W"),
    "cycling_cadence": ("CyclingPedalingCadenceRecordTable", "cycling_pedaling_cadence_record_table", "revolutions_per_minute", "rpm"),
    "steps_cadence": ("StepsCadenceRecordTable", "steps_cadence_record_table", "rate", "spm"),
    "skin_temperature_delta": ("skin_temperature_record_table", "skin_temperature_delta_table", "delta", "degC"),
}
# Nutrients in grams; the energies are in small calories.
_SAME_NAME = """
biotin caffeine calcium chloride cholesterol chromium copper folate folic_acid iodine iron magnesium manganese molybdenum niacin
pantothenic_acid phosphorus potassium protein riboflavin selenium sodium sugar thiamin vitamin_a vitamin_b12 vitamin_b6 vitamin_c
vitamin_d vitamin_e vitamin_k zinc
"""
NUTRIENTS = {
    "energy": "dietary_energy",
    "energy_from_fat": "dietary_energy_from_fat",
    "total_carbohydrate": "dietary_carbohydrates",
    "dietary_fiber": "dietary_fiber",
    "total_fat": "dietary_fat_total",
    "saturated_fat": "dietary_fat_saturated",
    "unsaturated_fat": "dietary_fat_unsaturated",
    "monounsaturated_fat": "dietary_fat_monounsaturated",
    "polyunsaturated_fat": "dietary_fat_polyunsaturated",
    "trans_fat": "dietary_fat_trans",
    **{name: f"dietary_{name}" for name in _SAME_NAME.split()},
}
EVENTS = ("intermenstrual_bleeding", "sexual_activity")
INTENSITIES = {0: "activity_intensity_moderate", 1: "activity_intensity_vigorous"}
# What a measurement says besides its value, as Health Connect's own codes.
CIRCUMSTANCES = (
    "measurement_location", "body_position", "specimen_source", "relation_to_meal", "meal_type", "measurement_method", "sensation",
    "protection_used",
)  # fmt: skip
MEALS = {1: "breakfast", 2: "lunch", 3: "dinner", 4: "snack"}
METHODS = {3: "manual_entry"}
DEVICES = {1: "watch", 2: "phone", 3: "scale", 4: "ring", 6: "fitness_band", 7: "chest_strap"}

_EXERCISES = """
other_workout badminton baseball basketball biking biking_stationary boot_camp boxing calisthenics cricket dancing exercise_class
fencing football_american football_australian frisbee_disc golf guided_breathing gymnastics handball high_intensity_interval_training
hiking ice_hockey ice_skating martial_arts paddling paragliding pilates racquetball rock_climbing roller_hockey rowing rugby running
running_treadmill sailing scuba_diving skating skiing snowboarding snowshoeing soccer softball squash stair_climbing strength_training
stretching surfing swimming_open_water swimming_pool table_tennis tennis volleyball walking water_polo weightlifting wheelchair yoga
other_workout stair_climbing_machine elliptical rowing_machine
"""
_SEGMENTS = """
unknown barbell_shoulder_press bench_sit_up biking biking_stationary dumbbell_curl_left_arm dumbbell_curl_right_arm dumbbell_front_raise
dumbbell_lateral_raise dumbbell_triceps_extension_left_arm dumbbell_triceps_extension_right_arm dumbbell_triceps_extension_two_arm
elliptical forward_twist pilates rowing_machine running running_treadmill stair_climbing stair_climbing_machine stretching
swimming_open_water swimming_pool upper_twist walking wheelchair arm_curl back_extension ball_slam bench_press burpee crunch deadlift
double_arm_triceps_extension dumbbell_row front_raise hip_thrust hula_hoop jumping_jack jump_rope kettlebell_swing lateral_raise
lat_pull_down leg_curl leg_extension leg_press leg_raise lunge mountain_climber plank pull_up punch shoulder_press
single_arm_triceps_extension sit_up squat swimming_freestyle swimming_backstroke swimming_breaststroke swimming_butterfly swimming_mixed
swimming_other high_intensity_interval_training weightlifting other_workout yoga rest pause
"""
EXERCISES = dict(enumerate(_EXERCISES.split()))
SEGMENTS = dict(enumerate(_SEGMENTS.split()))
SUFFIX = "_record_table"
# Tables that are read by a method of their own, or are no records.
MAKERS = "device_info_table"
SLEEP, STAGES = "sleep_session_record_table", "sleep_stages_table"
EXERCISE, ROUTE, LAPS, SEGMENT_TABLE = (
    "exercise_session_record_table",
    "exercise_route_table",
    "exercise_laps_table",
    "exercise_segments_table",
)
MEDICAL = "medical_resource_table"
