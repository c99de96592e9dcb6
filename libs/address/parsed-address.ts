/** What a text says, and how surely. An empty text means: not said, or not to be told from it. */
export type ParsedAddress = Place &
  Detail & {
    name: string;
    phone: string;
    /** Six digits. */
    postcode: string;
    /** Another country that the text begins with; then there are no divisions. */
    country: string;
    /** Everything behind the county, as it was written: street, road, number, estate, shop. */
    detail: string;
    precision: Precision;
    guesses: Guess[];
    /** Names that cannot all be right, as written; the levels at which they differ are empty. */
    conflicts: string[];
    /** Codes of the places that fit equally well, at most ten; none where one fits. */
    candidates: string[];
  };

/**
 * Names and codes of GB/T 2260, six digits, and nine digits for the street. In Hong Kong, Macau and
 * Taiwan the codes below the province are those that shops use; the standard has none.
 */
export type Place = {
  /**
   * The finest six-digit code: county, else city, else province. A town of a city without counties
   * (东莞, 中山, 儋州, 嘉峪关) has here the code by which shops tell it, where they have one.
   */
  code: string;
  province: string;
  provinceCode: string;
  city: string;
  cityCode: string;
  county: string;
  countyCode: string;
  street: string;
  streetCode: string;
};

/** The parts of what is behind the street; `rest` is what is in none of them. */
export type Detail = {
  road: string;
  number: string;
  building: string;
  unit: string;
  floor: string;
  room: string;
  rest: string;
};

/** The finest part that is known, with all divisions down to the county known before it. */
export type Precision =
  | 'none'
  | 'province'
  | 'city'
  | 'county'
  | 'street'
  | 'road'
  | 'number'
  | 'building'
  | 'room';

/** A field that the text does not spell out, and why it is taken to mean this. */
export type Guess = { field: keyof ParsedAddress; reason: GuessReason };

export type GuessReason =
  /** The text has a name from before the divisions changed. */
  | 'former-name'
  /** The text has the name with another kind: 镇 for 街道, 县 for 区. */
  | 'other-kind'
  /** The text has the name without its kind: 义乌 for 义乌市. */
  | 'short-name'
  /** Nothing above is named, and no other place in the country has the name. */
  | 'only-place'
  /** Told by where it stands, and by the surname. */
  | 'position'
  /** 8-2-301 is read as building, unit and room. */
  | 'number-chain';
