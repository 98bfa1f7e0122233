// The icons in use: the whole set would be a hundred kilobytes.
import arrowClockwise from 'bootstrap-icons/icons/arrow-clockwise.svg?raw';
import arrowCounterclockwise from 'bootstrap-icons/icons/arrow-counterclockwise.svg?raw';
import arrowDown from 'bootstrap-icons/icons/arrow-down.svg?raw';
import arrowDownUp from 'bootstrap-icons/icons/arrow-down-up.svg?raw';
import arrowRepeat from 'bootstrap-icons/icons/arrow-repeat.svg?raw';
import arrowRight from 'bootstrap-icons/icons/arrow-right.svg?raw';
import arrowUp from 'bootstrap-icons/icons/arrow-up.svg?raw';
import blockquoteLeft from 'bootstrap-icons/icons/blockquote-left.svg?raw';
import boxArrowRight from 'bootstrap-icons/icons/box-arrow-right.svg?raw';
import braces from 'bootstrap-icons/icons/braces.svg?raw';
import calendarCheck from 'bootstrap-icons/icons/calendar-check.svg?raw';
import calendarEvent from 'bootstrap-icons/icons/calendar-event.svg?raw';
import calendarX from 'bootstrap-icons/icons/calendar-x.svg?raw';
import checkCircle from 'bootstrap-icons/icons/check-circle.svg?raw';
import checkCircleFill from 'bootstrap-icons/icons/check-circle-fill.svg?raw';
import chevronDown from 'bootstrap-icons/icons/chevron-down.svg?raw';
import chevronRight from 'bootstrap-icons/icons/chevron-right.svg?raw';
import circleHalf from 'bootstrap-icons/icons/circle-half.svg?raw';
import clock from 'bootstrap-icons/icons/clock.svg?raw';
import clockHistory from 'bootstrap-icons/icons/clock-history.svg?raw';
import copy from 'bootstrap-icons/icons/copy.svg?raw';
import download from 'bootstrap-icons/icons/download.svg?raw';
import envelope from 'bootstrap-icons/icons/envelope.svg?raw';
import envelopeCheck from 'bootstrap-icons/icons/envelope-check.svg?raw';
import envelopePaper from 'bootstrap-icons/icons/envelope-paper.svg?raw';
import envelopeSlash from 'bootstrap-icons/icons/envelope-slash.svg?raw';
import exclamationTriangle from 'bootstrap-icons/icons/exclamation-triangle.svg?raw';
import eye from 'bootstrap-icons/icons/eye.svg?raw';
import globe2 from 'bootstrap-icons/icons/globe2.svg?raw';
import graphUp from 'bootstrap-icons/icons/graph-up.svg?raw';
import hddNetwork from 'bootstrap-icons/icons/hdd-network.svg?raw';
import hourglassSplit from 'bootstrap-icons/icons/hourglass-split.svg?raw';
import image from 'bootstrap-icons/icons/image.svg?raw';
import inbox from 'bootstrap-icons/icons/inbox.svg?raw';
import journalText from 'bootstrap-icons/icons/journal-text.svg?raw';
import key from 'bootstrap-icons/icons/key.svg?raw';
import laptop from 'bootstrap-icons/icons/laptop.svg?raw';
import lightningCharge from 'bootstrap-icons/icons/lightning-charge.svg?raw';
import link45deg from 'bootstrap-icons/icons/link-45deg.svg?raw';
import list from 'bootstrap-icons/icons/list.svg?raw';
import listOl from 'bootstrap-icons/icons/list-ol.svg?raw';
import listUl from 'bootstrap-icons/icons/list-ul.svg?raw';
import lock from 'bootstrap-icons/icons/lock.svg?raw';
import moonStars from 'bootstrap-icons/icons/moon-stars.svg?raw';
import newspaper from 'bootstrap-icons/icons/newspaper.svg?raw';
import pauseCircle from 'bootstrap-icons/icons/pause-circle.svg?raw';
import pencil from 'bootstrap-icons/icons/pencil.svg?raw';
import pencilSquare from 'bootstrap-icons/icons/pencil-square.svg?raw';
import people from 'bootstrap-icons/icons/people.svg?raw';
import person from 'bootstrap-icons/icons/person.svg?raw';
import personCheck from 'bootstrap-icons/icons/person-check.svg?raw';
import personCircle from 'bootstrap-icons/icons/person-circle.svg?raw';
import personGear from 'bootstrap-icons/icons/person-gear.svg?raw';
import personPlus from 'bootstrap-icons/icons/person-plus.svg?raw';
import phone from 'bootstrap-icons/icons/phone.svg?raw';
import playCircle from 'bootstrap-icons/icons/play-circle.svg?raw';
import plug from 'bootstrap-icons/icons/plug.svg?raw';
import plusLg from 'bootstrap-icons/icons/plus-lg.svg?raw';
import questionCircle from 'bootstrap-icons/icons/question-circle.svg?raw';
import rss from 'bootstrap-icons/icons/rss.svg?raw';
import search from 'bootstrap-icons/icons/search.svg?raw';
import send from 'bootstrap-icons/icons/send.svg?raw';
import sendCheck from 'bootstrap-icons/icons/send-check.svg?raw';
import shieldCheck from 'bootstrap-icons/icons/shield-check.svg?raw';
import shieldLock from 'bootstrap-icons/icons/shield-lock.svg?raw';
import skipForwardCircle from 'bootstrap-icons/icons/skip-forward-circle.svg?raw';
import slashCircle from 'bootstrap-icons/icons/slash-circle.svg?raw';
import sliders from 'bootstrap-icons/icons/sliders.svg?raw';
import speedometer2 from 'bootstrap-icons/icons/speedometer2.svg?raw';
import stopCircle from 'bootstrap-icons/icons/stop-circle.svg?raw';
import sun from 'bootstrap-icons/icons/sun.svg?raw';
import threeDotsVertical from 'bootstrap-icons/icons/three-dots-vertical.svg?raw';
import translate from 'bootstrap-icons/icons/translate.svg?raw';
import trash from 'bootstrap-icons/icons/trash.svg?raw';
import typeBold from 'bootstrap-icons/icons/type-bold.svg?raw';
import typeH1 from 'bootstrap-icons/icons/type-h1.svg?raw';
import typeH2 from 'bootstrap-icons/icons/type-h2.svg?raw';
import typeH3 from 'bootstrap-icons/icons/type-h3.svg?raw';
import typeItalic from 'bootstrap-icons/icons/type-italic.svg?raw';
import unlock from 'bootstrap-icons/icons/unlock.svg?raw';
import xCircle from 'bootstrap-icons/icons/x-circle.svg?raw';
import xLg from 'bootstrap-icons/icons/x-lg.svg?raw';

export const icons = {
  'arrow-clockwise': arrowClockwise,
  'arrow-counterclockwise': arrowCounterclockwise,
  'arrow-down': arrowDown,
  'arrow-down-up': arrowDownUp,
  'arrow-repeat': arrowRepeat,
  'arrow-right': arrowRight,
  'arrow-up': arrowUp,
  'blockquote-left': blockquoteLeft,
  'box-arrow-right': boxArrowRight,
  braces,
  'calendar-check': calendarCheck,
  'calendar-event': calendarEvent,
  'calendar-x': calendarX,
  'check-circle': checkCircle,
  'check-circle-fill': checkCircleFill,
  'chevron-down': chevronDown,
  'chevron-right': chevronRight,
  'circle-half': circleHalf,
  clock,
  'clock-history': clockHistory,
  copy,
  download,
  envelope,
  'envelope-check': envelopeCheck,
  'envelope-paper': envelopePaper,
  'envelope-slash': envelopeSlash,
  'exclamation-triangle': exclamationTriangle,
  eye,
  globe2,
  'graph-up': graphUp,
  'hdd-network': hddNetwork,
  'hourglass-split': hourglassSplit,
  image,
  inbox,
  'journal-text': journalText,
  key,
  laptop,
  'lightning-charge': lightningCharge,
  'link-45deg': link45deg,
  list,
  'list-ol': listOl,
  'list-ul': listUl,
  lock,
  'moon-stars': moonStars,
  newspaper,
  'pause-circle': pauseCircle,
  pencil,
  'pencil-square': pencilSquare,
  people,
  person,
  'person-check': personCheck,
  'person-circle': personCircle,
  'person-gear': personGear,
  'person-plus': personPlus,
  phone,
  'play-circle': playCircle,
  plug,
  'plus-lg': plusLg,
  'question-circle': questionCircle,
  rss,
  search,
  send,
  'send-check': sendCheck,
  'shield-check': shieldCheck,
  'shield-lock': shieldLock,
  'skip-forward-circle': skipForwardCircle,
  'slash-circle': slashCircle,
  sliders,
  speedometer2,
  'stop-circle': stopCircle,
  sun,
  'three-dots-vertical': threeDotsVertical,
  translate,
  trash,
  'type-bold': typeBold,
  'type-h1': typeH1,
  'type-h2': typeH2,
  'type-h3': typeH3,
  'type-italic': typeItalic,
  unlock,
  'x-circle': xCircle,
  'x-lg': xLg,
};
