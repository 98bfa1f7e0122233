// The blog for programs that gather news.

export const FEED = '/api/v1/articles.rss';
