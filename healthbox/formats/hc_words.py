"""HC Webhook's types and fields, our metrics, and the units and codes that Health Connect fixes."""

# key → (metric, field, unit)
INTERVALS = {
    "steps": ("steps", "count", "count"),
    "distance": ("distance_walking_running", "meters", "m"),
    "active_calories": ("active_energy", "calories", "kcal"),
    "total_calories": ("total_energy", "calories", "kcal"),
    "hydration": ("dietary_water", "liters", "L"),
}
INSTANTS = {
    "heart_rate": ("heart_rate", "bpm", "count/min"),
    "heart_rate_variability": ("hrv_rmssd", "rmssd_millis", "ms"),
    "oxygen_saturation": ("oxygen_saturation", "percentage", "%"),
    "respiratory_rate": ("respiratory_rate", "rate", "count/min"),
    "skin_temperature": ("skin_temperature_delta", "delta_celsius", "degC"),
    "resting_heart_rate": ("resting_heart_rate", "bpm", "count/min"),
    "weight": ("weight", "kilograms", "kg"),
    "height": ("height", "meters", "m"),
    "body_fat": ("body_fat", "percentage", "%"),
    "lean_body_mass": ("lean_body_mass", "kilograms", "kg"),
    "bone_mass": ("bone_mass", "kilograms", "kg"),
    "vo2_max": ("vo2_max", "ml_per_kg_per_min", "mL/kg/min"),
    "body_temperature": ("body_temperature", "celsius", "degC"),
    "basal_body_temperature": ("basal_body_temperature", "celsius", "degC"),
    "blood_glucose": ("blood_glucose", "mmol_per_liter", "mmol/L"),
    "basal_metabolic_rate": ("basal_metabolic_rate", "watts", "W"),
}
# Health Connect's own codes, which are not HealthKit's; what has no value there is refused, not bent.
CODES = {
    "menstruation_flow": ("menstrual_flow", "flow", {0: "unspecified", 1: "light", 2: "medium", 3: "heavy"}),
    "ovulation_test": ("ovulation_test", "result", {0: "indeterminate", 1: "positive", 2: "estrogen_surge", 3: "negative"}),
    "cervical_mucus": ("cervical_mucus", "appearance", {1: "dry", 2: "sticky", 3: "creamy", 4: "watery", 5: "egg_white"}),
}
